"""No request's body is read without a limit: a small one, unless the handler that takes it says otherwise.

JSON bodies are read whole before the caller is authenticated, so the limit keeps anonymous clients from
filling the memory. A handler of uploads, which streams, raises it once it knows the caller.

FastAPI's `max_body_size` is not sufficient: its response to a Content-Length that is too large is plain text
and cannot be replaced by problem details; its limits are constants of a route, and those of uploads are
settings; and it wraps `send` of every request.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

MAX_JSON_BYTES = 1024 * 1024
_SCOPE_KEY = "body_limit"


class BodyLimit:
    """Counts one request's body. It is in the scope of the request, where `allow_body` finds it."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.max_bytes = MAX_JSON_BYTES
        self._receive = receive
        self._announced = _announced_bytes(scope)
        self._received = 0
        scope[_SCOPE_KEY] = self

    async def receive(self) -> Message:
        """The next message. Raises HTTPException 413, which FastAPI passes on while it reads a body."""
        self._check(self._announced)
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._check(self._received)
        return message

    def _check(self, size: int) -> None:
        if size > self.max_bytes:
            raise HTTPException(413, f"Too large; at most {self.max_bytes // (1024 * 1024)} MB are accepted")


def allow_body(request: Request, max_bytes: int) -> None:
    """Let the body of `request` have up to `max_bytes`; to be called before it is read."""
    limit: BodyLimit = request.scope[_SCOPE_KEY]
    limit.max_bytes = max_bytes


def _announced_bytes(scope: Scope) -> int:
    """0 without a valid Content-Length: received bytes are counted in any case."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
