"""No request's body is read without a limit: a small one, unless the handler that takes it says otherwise.

JSON bodies are read whole before anything is known of the caller, so the limit is what keeps strangers from
filling the memory. A handler of uploads, which streams, raises it once it knows the caller.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_JSON_BYTES = 1024 * 1024
_SCOPE_KEY = "body_allowance"


class _BodyAllowance:
    """What is left of one request's body that may still be read."""

    def __init__(self, receive: Receive, announced: int) -> None:
        self.most_bytes = MOST_JSON_BYTES
        self._receive = receive
        self._announced = announced
        self._received = 0

    async def receive(self) -> Message:
        self._check(self._announced)
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._check(self._received)
        return message

    def _check(self, size: int) -> None:
        if size > self.most_bytes:
            # The kind of error that FastAPI passes on when it meets it while it reads a body.
            raise HTTPException(413, f"At most {self.most_bytes // (1024 * 1024)} MB are taken")


class BodyLimit:
    """A layer around an app: a body that is larger than its limit is 413, and read no further."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        allowance = scope[_SCOPE_KEY] = _BodyAllowance(receive, _announced_bytes(scope))
        await self._app(scope, allowance.receive, send)


def allow_body(request: Request, most_bytes: int) -> None:
    """Let the body of `request` have up to `most_bytes`; to be called before it is read."""
    allowance = request.scope[_SCOPE_KEY]
    assert isinstance(allowance, _BodyAllowance)  # noqa: S101 - narrows the type of an untyped scope
    allowance.most_bytes = most_bytes


def _announced_bytes(scope: Scope) -> int:
    """0 where nothing usable is announced: what comes is counted in any case."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
