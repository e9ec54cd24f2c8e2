"""The system as its clients see it: the local cloud's sign-in, and the gateway's API."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from embedded.demo.people import Person

_CALLS_IN_FLIGHT = 4
_ATTEMPTS = 6
_LONGEST_WAIT_SECONDS = 5.0
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_TOKEN_SECONDS = 40.0
"""A session token lives at least a minute; one this old is replaced before it is used again."""

Upload = Mapping[str, tuple[str, bytes, str]]
"""Of each file: its name, its bytes, its content type."""

ResponseT = TypeVar("ResponseT")


class CallFailedError(Exception):
    """A call that failed, or got no response; the text names the call, the status and the server's reason.

    `status` is None when there was no response.
    """

    def __init__(self, call: str, status: int | None, reason: str) -> None:
        outcome = "got no response" if status is None else f"got status {status}"
        super().__init__(f"{call} {outcome}: {reason}")
        self.status = status


class Token(BaseModel):
    token: str
    clerk_id: str = Field(alias="clerkId")


class Account(BaseModel):
    id: str = Field(alias="_id")
    role: Literal["user", "artist", "admin"]


class Titled(BaseModel):
    """A song or an album."""

    id: str = Field(alias="_id")
    title: str


class Message(BaseModel):
    message: str


ACCOUNT = TypeAdapter(Account)
TITLED = TypeAdapter(Titled)
LIST_OF_TITLED = TypeAdapter(list[Titled])
MESSAGE = TypeAdapter(Message)
_TOKEN = TypeAdapter(Token)


class PublicApi:
    """At most four calls are under way at any time, whoever makes them."""

    def __init__(self, http: httpx.AsyncClient, gateway_url: str, cloud_url: str) -> None:
        self._http = http
        self._gateway_url = gateway_url.rstrip("/")
        self._cloud_url = cloud_url.rstrip("/")
        self._slots = asyncio.Semaphore(_CALLS_IN_FLIGHT)

    def as_person(self, person: Person) -> "Session":
        """Nothing is sent before the first call."""
        return Session(self, person)

    async def sign_in(self, person: Person) -> Token:
        """Raises CallFailedError."""
        url = f"{self._cloud_url}/sign-in"
        body = {"email": person.email, "fullName": person.full_name}
        return _read(_TOKEN, await self._send(self._http.build_request("POST", url, json=body)))

    async def show_progress(self, done: int, total: int) -> None:
        """Tells the web player how much of the demo content is in place. Raises CallFailedError."""
        body = {"done": done, "total": total}
        await self._send(self._http.build_request("PUT", f"{self._cloud_url}/demo-progress", json=body))

    async def end_progress(self) -> None:
        """Tells the web player that nothing more is coming. Raises CallFailedError."""
        await self._send(self._http.build_request("DELETE", f"{self._cloud_url}/demo-progress"))

    async def call(
        self,
        token: str,
        method: str,
        path: str,
        *,
        json: object = None,
        fields: Mapping[str, str] | None = None,
        files: Upload | None = None,
    ) -> httpx.Response:
        """Raises CallFailedError for any status of 400 or above."""
        headers = {"Authorization": f"Bearer {token}"}
        url = self._gateway_url + path
        return await self._send(
            self._http.build_request(method, url, headers=headers, json=json, data=fields, files=files)
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """Repeats calls that the server asks to retry later (429, 503 with Retry-After)."""
        for attempt in range(_ATTEMPTS):
            async with self._slots:
                try:
                    response = await self._http.send(request)
                except httpx.TransportError as error:
                    reason = f"{type(error).__name__} {error}".strip()
                    raise CallFailedError(_name(request), None, reason) from error
            is_busy = response.status_code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
            if attempt == _ATTEMPTS - 1 or not is_busy or "retry-after" not in response.headers:
                break
            await asyncio.sleep(_wait_seconds(response.headers["retry-after"]))
        if response.is_success:
            return response
        raise CallFailedError(_name(request), response.status_code, _reason(response))


class Session:
    """One person, signed in when first needed and again when the token has grown old."""

    def __init__(self, api: PublicApi, person: Person) -> None:
        self.person = person
        self._api = api
        self._signing_in = asyncio.Lock()
        self._token: Token | None = None
        self._signed_in_at = 0.0

    async def register(self) -> tuple[Account, bool]:
        """The account, and whether this call made it. Raises CallFailedError."""
        token = await self._current_token()
        # The picture comes from the identity provider.
        body = {
            "clerkId": token.clerk_id,
            "fullName": self.person.full_name,
            "email": self.person.email,
            "imageUrl": "",
        }
        response = await self._api.call(token.token, "POST", "/api/auth/register", json=body)
        return _read(ACCOUNT, response), response.status_code == HTTPStatus.CREATED

    async def get(self, path: str, shape: TypeAdapter[ResponseT]) -> ResponseT:
        """Raises CallFailedError."""
        return _read(shape, await self._api.call(await self._bearer(), "GET", path))

    async def post(self, path: str, shape: TypeAdapter[ResponseT]) -> ResponseT:
        """Raises CallFailedError."""
        return _read(shape, await self._api.call(await self._bearer(), "POST", path))

    async def upload(
        self, path: str, fields: Mapping[str, str], files: Upload, shape: TypeAdapter[ResponseT]
    ) -> ResponseT:
        """Raises CallFailedError."""
        response = await self._api.call(await self._bearer(), "POST", path, fields=fields, files=files)
        return _read(shape, response)

    async def patch(self, path: str, body: Mapping[str, object], shape: TypeAdapter[ResponseT]) -> ResponseT:
        """Raises CallFailedError."""
        return _read(shape, await self._api.call(await self._bearer(), "PATCH", path, json=body))

    async def put(self, path: str) -> None:
        """Raises CallFailedError."""
        await self._api.call(await self._bearer(), "PUT", path)

    async def post_json(self, path: str, body: Mapping[str, object]) -> None:
        """Raises CallFailedError."""
        await self._api.call(await self._bearer(), "POST", path, json=body)

    async def delete(self, path: str) -> None:
        """Raises CallFailedError."""
        await self._api.call(await self._bearer(), "DELETE", path)

    async def _bearer(self) -> str:
        return (await self._current_token()).token

    async def _current_token(self) -> Token:
        async with self._signing_in:
            if self._token is None or time.monotonic() - self._signed_in_at > _TOKEN_SECONDS:
                self._token = await self._api.sign_in(self.person)
                self._signed_in_at = time.monotonic()
            return self._token


@asynccontextmanager
async def open_public_api(gateway_url: str, cloud_url: str) -> AsyncIterator[PublicApi]:
    """Proxies in the environment are ignored: both addresses are on this machine."""
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as http:
        yield PublicApi(http, gateway_url, cloud_url)


def _name(request: httpx.Request) -> str:
    return f"{request.method} {request.url}"


def _wait_seconds(retry_after: str) -> float:
    return min(float(retry_after), _LONGEST_WAIT_SECONDS) if retry_after.isdecimal() else 1.0


class _Problem(BaseModel):
    detail: str = ""
    code: str = "no code"
    request_id: str = Field(default="unknown", alias="requestId")


def _reason(response: httpx.Response) -> str:
    """The problem detail of a response, or the beginning of its body."""
    try:
        problem = _Problem.model_validate_json(response.content)
    except ValidationError:
        return response.text[:200]
    return f"{problem.detail} ({problem.code}, request {problem.request_id})"


def _read(shape: TypeAdapter[ResponseT], response: httpx.Response) -> ResponseT:
    try:
        return shape.validate_json(response.content)
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise CallFailedError(
            _name(response.request), response.status_code, f"unexpected response: {where}"
        ) from error
