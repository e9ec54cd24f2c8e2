"""The whole embedded system as its own processes on free ports, and people who use it through the gateway."""

import asyncio
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).parents[2]
PORTS = ("GATEWAY_PORT", "USER_PORT", "SONG_PORT", "ALBUM_PORT", "CLOUD_PORT", "REDIS_PORT")
START_SECONDS = 90.0
ADMIN_EMAIL = "admin@demo.local"
SECOND_ADMIN_EMAIL = "second-admin@test.local"
# One for all clients: each would read the certificates that it trusts when it is made, also for http://.
TRUST = httpx.create_ssl_context()


@dataclass(frozen=True)
class RunningSystem:
    """Addresses of a running system, and where it keeps its state."""

    gateway: str
    cloud: str
    users: str
    songs: str
    albums: str
    redis_port: int
    data_dir: Path
    temporary_dir: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)

    def log(self, name: str) -> str:
        """What a process wrote: user, song, album, gateway, cloud, redis."""
        return (self.data_dir / "logs" / f"{name}.log").read_text(errors="replace")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, below those that machines give to outgoing connections.

    Each process of pytest-xdist has its own range: a port that another one has just found is still free.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    first, width = (20_000 + int(worker) % 12 * 1_000, 1_000) if worker else (20_000, 12_000)
    found: set[int] = set()
    while len(found) < count:
        port = first + secrets.randbelow(width)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    return list(found)


@contextmanager
def running_system(
    data_dir: Path, *, command: Sequence[str] = (), **environment: str
) -> Iterator[RunningSystem]:
    """`python -m embedded` on `data_dir`, without demo content unless DEMO says so, until it is left.

    On free ports, but for those that `environment` names; behind `command`, if there is one.
    """
    free = zip(PORTS, free_ports(len(PORTS)), strict=True)
    ports = {name: int(environment.get(name, port)) for name, port in free}
    variables = {name: str(port) for name, port in ports.items()}
    temporary_dir = data_dir.with_suffix(".tmp")
    temporary_dir.mkdir(exist_ok=True)
    variables |= {"DATA_DIR": str(data_dir), "TMPDIR": str(temporary_dir), "DEMO": "false", **environment}
    output = data_dir.with_suffix(".out")
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*command, sys.executable, "-m", "embedded"],
            cwd=PROJECT,
            env={**os.environ, **variables},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, output)
            yield RunningSystem(
                gateway=f"http://127.0.0.1:{ports['GATEWAY_PORT']}",
                cloud=f"http://127.0.0.1:{ports['CLOUD_PORT']}",
                users=f"http://127.0.0.1:{ports['USER_PORT']}",
                songs=f"http://127.0.0.1:{ports['SONG_PORT']}",
                albums=f"http://127.0.0.1:{ports['ALBUM_PORT']}",
                redis_port=ports["REDIS_PORT"],
                data_dir=data_dir,
                temporary_dir=temporary_dir,
                process=process,
            )
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not re.search(r"^Ready in ", output.read_text(), re.MULTILINE):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the system did not start:\n{output.read_text()}")
        time.sleep(0.05)


@dataclass
class Person:
    """Somebody signed in and registered, with a client of the gateway that carries their token."""

    id: str
    clerk_id: str
    email: str
    full_name: str
    token: str
    http: httpx.AsyncClient

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.post(path, **options)

    async def put(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.put(path, **options)

    async def patch(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.patch(path, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.delete(path, **options)


class People:
    """Makes people for tests; each call a new one with an address of their own."""

    def __init__(self, system: RunningSystem) -> None:
        self._system = system
        self._clients: list[httpx.AsyncClient] = []
        self._admin: Person | None = None

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """A client of the gateway's `/api`; closed at the end of the test."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(
            base_url=f"{self._system.gateway}/api", headers=headers, timeout=60, verify=TRUST
        )
        self._clients.append(client)
        return client

    async def sign_in(self, email: str, full_name: str | None = None) -> dict[str, str]:
        """The response of the local cloud: token, clerkId, expiresAt."""
        async with httpx.AsyncClient(timeout=30, verify=TRUST) as http:
            body = {"email": email, **({"fullName": full_name} if full_name else {})}
            response = await http.post(f"{self._system.cloud}/sign-in", json=body)
        assert response.status_code == 200, response.text
        signed_in: dict[str, str] = response.json()
        return signed_in

    async def registered(self, email: str, full_name: str) -> Person:
        """Somebody who signed in and registered."""
        signed_in = await self.sign_in(email, full_name)
        http = self.client(signed_in["token"])
        response = await http.post(
            "/auth/register",
            json={"clerkId": signed_in["clerkId"], "fullName": full_name, "email": email, "imageUrl": ""},
        )
        assert response.status_code in (200, 201), response.text
        return Person(
            response.json()["_id"], signed_in["clerkId"], email, full_name, signed_in["token"], http
        )

    async def admin(self) -> Person:
        """The admin whom ADMIN_EMAILS names, signed in once."""
        if self._admin is None:
            self._admin = await self.registered(ADMIN_EMAIL, "Ada Admin")
        return self._admin

    async def user(self, name: str = "Uma User") -> Person:
        """A new person with role user."""
        return await self.registered(f"u{os.urandom(6).hex()}@test.local", name)

    async def artist(self, name: str = "Art Artist") -> Person:
        """A new person whom the admin made an artist."""
        person = await self.user(name)
        response = await (await self.admin()).patch(f"/admin/users/{person.id}/role", json={"role": "artist"})
        assert response.status_code == 200, response.text
        return person

    async def close(self) -> None:
        await asyncio.gather(*(client.aclose() for client in self._clients))
