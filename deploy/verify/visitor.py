"""A client that uses the system through the gateway, signed in at the local cloud."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.system.media import audio, song_form

ADMIN_EMAIL = "admin@demo.local"
SONG_SECONDS = 3
TIMEOUT_SECONDS = 60.0


class UnexpectedResponseError(Exception):
    """An unexpected response: the text holds the call and the beginning of the body."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A registered person, and a client of the gateway's `/api` that carries their token."""

    id: str
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, expected: int = 200, **options: Any) -> Any:
        """The JSON of the response.

        Raises:
            UnexpectedResponseError: another status than `expected`.
        """
        response = await self.http.request(method, path, **options)
        if response.status_code != expected:
            raise UnexpectedResponseError(f"{method} {path}: {response.status_code} {response.text[:200]}")
        return response.json()

    async def upload(self, title: str) -> Any:
        """The song that came of a real upload, `SONG_SECONDS` long."""
        return await self.call(
            "POST", "/songs", 201, **song_form(title, sound=audio(seconds=SONG_SECONDS), genre="Jazz")
        )


@dataclass(frozen=True, slots=True)
class System:
    """Addresses of a running system."""

    gateway: str
    cloud: str

    @asynccontextmanager
    async def visitor(self, name: str, email: str | None = None) -> AsyncIterator[Visitor]:
        """A new person, or the one with this address."""
        address = email or f"v{os.urandom(6).hex()}@test.local"
        async with httpx.AsyncClient(base_url=f"{self.gateway}/api", timeout=TIMEOUT_SECONDS) as http:
            signed_in = await http.post(f"{self.cloud}/sign-in", json={"email": address, "fullName": name})
            signed_in.raise_for_status()
            http.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
            body = {
                "fullName": name,
                "email": address,
                "imageUrl": "",
                "clerkId": signed_in.json()["clerkId"],
            }
            registered = await http.post("/auth/register", json=body)
            if registered.status_code not in (200, 201):
                raise UnexpectedResponseError(f"register: {registered.status_code} {registered.text[:200]}")
            yield Visitor(registered.json()["_id"], http)

    @asynccontextmanager
    async def artist(self, name: str) -> AsyncIterator[Visitor]:
        """A new person whom the admin made an artist."""
        async with self.visitor("Ada Admin", ADMIN_EMAIL) as admin, self.visitor(name) as artist:
            await admin.call("PATCH", f"/admin/users/{artist.id}/role", json={"role": "artist"})
            yield artist

    def wait_until_healthy(self, seconds: float = 60) -> None:
        """Raises UnexpectedResponseError when /health/services is not 200 by then."""
        deadline = time.monotonic() + seconds
        last = "nothing"
        while time.monotonic() < deadline:
            try:
                response = httpx.get(f"{self.gateway}/health/services", timeout=5)
                if response.status_code == 200:
                    return
                last = response.text[:300]
            except httpx.TransportError as failure:
                last = type(failure).__name__
            time.sleep(0.2)
        raise UnexpectedResponseError(f"/health/services: {last}")
