"""`Idempotency-Key`: a POST repeated with the same key has one effect, and the same response for a day.

A router with `route_class=IdempotentRoute` accepts the key on each of its POST routes, except those that
declare the header themselves and those that only read (`only_reads`). A key is looked up after the guards
have let the caller through, and is scoped to the caller's verified identity: a stored response never reaches
another caller. Replicas share the keys through Redis; while it is down, requests are served as if they had no
key.
"""

import asyncio
import functools
import hashlib
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import anyio.to_thread
from fastapi import Request, Response

from shared.access.guards import verified_subject
from shared.errors import AppError, FieldError, InvalidError
from shared.http.idempotency_keys import IdempotencyKeys, Pending, StoredResponse
from shared.http.prepared_route import PreparedRoute
from shared.http.problem import PROBLEM_TYPE, problem_of
from shared.http.request_id import current_request_id

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
MAX_STORED_BYTES: Final = 1024 * 1024

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_FINAL_STATUSES: Final = frozenset({*range(200, 300), 400, 413, 415, 422})
"""Statuses that are stored: success, and errors that follow from the request alone. Others may differ the
next time.
"""

_STORED_HEADERS: Final = ("content-type", "cache-control", "location", "etag")

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_reading: set[object] = set()


def only_reads(endpoint: Endpoint) -> Endpoint:
    """Mark a POST that changes nothing and needs no key."""
    _reading.add(endpoint)
    return endpoint


def takes_key(endpoint: object) -> bool:
    """Whether this endpoint of an IdempotentRoute accepts the key."""
    return bool(getattr(endpoint, "takes_idempotency_key", False))


class _Replay(Exception):  # noqa: N818 - no error
    """Raised to return the stored response."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Attempt:
    """A request with a key. It begins when caller and body are known, and ends with its response."""

    def __init__(self, request: Request, key: str, keys: IdempotencyKeys) -> None:
        self._request = request
        self._key = key
        self._keys = keys
        self._caller: str | None = None
        self._pending: Pending | None = None

    async def enter(self) -> None:
        """The guards have passed the caller.

        Raises:
            InvalidError: the key is malformed. KeyInUseError, KeyReusedError, _Replay: as `begin` does; for a
            form that is not read yet, only the first.
        """
        if not _KEY.fullmatch(self._key):
            raise InvalidError.of(FieldError(HEADER, "must be 1 to 255 visible ASCII characters"))
        self._caller = await verified_subject(self._request)
        if self._caller is None:
            return
        if self._request.headers.get("content-type", "").lower().startswith("multipart/"):
            await self._keys.check_not_pending(self._caller, self._key)
        else:
            await self.begin(_canonical(await self._request.body()))

    async def begin(self, body: bytes) -> None:
        """The body is known; `body` is equal for equivalent bodies.

        Raises:
            KeyInUseError: a request with this key is being served.
            KeyReusedError: the key was used for another request.
            _Replay: there is a stored response.
        """
        if self._caller is None or self._pending is not None:
            return
        target = f"{self._request.method} {self._request.scope['path'].rstrip('/')}\n"
        fingerprint = hashlib.sha256(target.encode() + body).hexdigest()
        outcome = await self._keys.begin(self._caller, self._key, fingerprint)
        if isinstance(outcome, StoredResponse):
            raise _Replay(_to_response(outcome))
        self._pending = outcome

    async def end(self, response: Response) -> None:
        """Store this response, or release the key."""
        if self._pending is None:
            return
        body = getattr(response, "body", None)
        is_final = response.status_code in _FINAL_STATUSES
        if is_final and isinstance(body, bytes) and len(body) <= MAX_STORED_BYTES:
            headers = {name: response.headers[name] for name in _STORED_HEADERS if name in response.headers}
            await self._keys.complete(self._pending, StoredResponse(response.status_code, headers, body))
        else:
            await self._keys.release(self._pending)

    async def abandon(self) -> None:
        """The request ended without a response."""
        if self._pending is not None:
            await self._keys.release(self._pending)


_current: ContextVar[Attempt | None] = ContextVar("idempotent attempt", default=None)


class IdempotentRoute(PreparedRoute):
    """A route that takes `Idempotency-Key` if it is a POST."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        takes = (
            "POST" in (options.get("methods") or ())
            and endpoint not in _reading
            and "idempotency_key" not in inspect.signature(endpoint).parameters
        )
        super().__init__(path, _once(endpoint) if takes else endpoint, **options)
        if takes:
            self.plan = None

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        return functools.partial(_serve, handler) if takes_key(self.endpoint) else handler


def _once(endpoint: Callable[Parameters, Awaitable[Result]]) -> Callable[Parameters, Awaitable[Result]]:
    """The endpoint, called after the guards have passed, unless there is a stored response."""

    @functools.wraps(endpoint)
    async def call(*values: Parameters.args, **named: Parameters.kwargs) -> Result:
        attempt = _current.get()
        if attempt is not None:
            await attempt.enter()
        return await endpoint(*values, **named)

    call.takes_idempotency_key = True  # type: ignore[attr-defined]  # for takes_key
    return call


async def _serve(handler: Handler, request: Request) -> Response:
    key = request.headers.get(HEADER)
    if key is None:
        return await handler(request)
    keys: IdempotencyKeys = request.state.idempotency
    attempt = Attempt(request, key, keys)
    token = _current.set(attempt)
    try:
        response = await handler(request)
    except _Replay as replay:
        return replay.response
    except AppError as failure:
        response = problem_of(failure)
    except BaseException:
        await asyncio.shield(attempt.abandon())
        raise
    finally:
        _current.reset(token)
    await attempt.end(response)
    return response


async def form_received(fields: Mapping[str, str], files: Mapping[str, Path]) -> None:
    """A form was read: the request begins if it has a key.

    Its fields and the digests of its files are compared, because the boundary differs each time.

    Raises:
        KeyInUseError, KeyReusedError: as Attempt.begin does.
    """
    attempt = _current.get()
    if attempt is None:
        return
    digests = {name: await anyio.to_thread.run_sync(_digest_of_file, path) for name, path in files.items()}
    await attempt.begin(json.dumps([dict(fields), digests], sort_keys=True).encode())


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _canonical(body: bytes) -> bytes:
    """The same bytes for equal JSON, however it is formatted."""
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body


def _to_response(stored: StoredResponse) -> Response:
    body = stored.body
    if stored.headers.get("content-type") == PROBLEM_TYPE:
        body = json.dumps({**json.loads(body), "requestId": current_request_id()}).encode()
    return Response(body, stored.status, headers={**stored.headers, REPLAYED: "true"})
