"""The local Recombee: the API that its SDK calls, over a store and a recommender of our own.

Every request is signed as the real service wants it: `hmac_timestamp` within 30 seconds, `hmac_sign` the
SHA-1 HMAC of path and query exactly as they went over the wire. Errors are `{"statusCode", "message"}`.
"""

import asyncio
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha1
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from embedded.cloud.recombee.recommender import Recommender
from embedded.cloud.recombee.requests import ApiResponse, RecombeeRequests, refusal
from embedded.cloud.recombee.store import RecombeeStore
from embedded.cloud.recombee.training import TrainingProcess
from embedded.cloud.settings import CloudSettings

DATABASE_FILE = "recombee.sqlite"
SIGNATURE_VALID_SECONDS = 30
# Ten thousand requests of a batch, with room for long texts.
MAX_BODY_BYTES = 32 * 1024 * 1024
METHODS = ["GET", "PUT", "POST", "DELETE"]
_SIGN = b"&hmac_sign="


class Recombee:
    """Open inside `async with`. All work is done by one thread of its own, one request after the other, so a
    request sees all earlier ones, and neither disk nor computation blocks the event loop.
    """

    def __init__(self, settings: CloudSettings) -> None:
        self._token = settings.recombee_private_token.encode()
        self._path = settings.data_dir / DATABASE_FILE
        self._thread: ThreadPoolExecutor | None = None
        self._store: RecombeeStore | None = None
        self._training: TrainingProcess | None = None
        self._requests: RecombeeRequests | None = None
        self.routes: list[BaseRoute] = recombee_routes(settings, self)

    async def __aenter__(self) -> Self:
        """Raises UnknownSchemaError when another version wrote the file."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recombee")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
        finally:
            thread.shutdown()

    def _open(self) -> None:
        self._store = RecombeeStore(self._path)
        self._training = TrainingProcess(self._path, self._store.id)
        recommender = Recommender(self._store, training=self._training)
        recommender.refresh()
        self._requests = RecombeeRequests(self._store, recommender)

    def _close(self) -> None:
        self._requests = None
        if self._training is not None:
            self._training.close()
            self._training = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def refused(self, target: bytes) -> str | None:
        """Returns why a request to `target`, path and query as received, is refused; None when it is
        accepted.
        """
        signed, _, signature = target.rpartition(_SIGN)
        if not signed:
            return "Missing HMAC authentication: hmac_timestamp and hmac_sign"
        expected = hmac.new(self._token, signed, sha1).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature):
            return "Invalid HMAC signature"
        query = dict(parse_qsl(signed.partition(b"?")[2].decode("latin-1")))
        try:
            age = abs(time.time() - int(query.get("hmac_timestamp", "")))
        except ValueError:
            return "Invalid hmac_timestamp"
        return None if age <= SIGNATURE_VALID_SECONDS else "The hmac_timestamp is too old or in the future"

    async def respond(self, method: str, path: str, query: dict[str, str], body: bytes) -> ApiResponse:
        if self._thread is None:
            return refusal(503, "The service is not open")
        work = partial(self._work, method, path, query, body)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _work(self, method: str, path: str, query: dict[str, str], body: bytes) -> ApiResponse:
        if self._requests is None:
            return refusal(503, "The service is not open")
        try:
            given = json.loads(body, parse_constant=_refuse_constant) if body.strip() else {}
        except (ValueError, RecursionError):
            return refusal(400, "The body is not JSON")
        if not isinstance(given, dict):
            return refusal(400, "The body must be a JSON object")
        return self._requests.respond(method, path, {**query, **given})


def recombee_routes(settings: CloudSettings, recombee: Recombee) -> list[BaseRoute]:
    """Everything below `/{recombee_database_id}/`. Requests that come before `recombee` is open get 503."""

    async def serve(request: Request) -> Response:
        target: bytes = request.scope["raw_path"]
        if request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        if reason := recombee.refused(target):
            return _response(refusal(401, reason))
        try:
            body = await _body(request)
        except ClientDisconnect:
            return _response(refusal(400, "The body ended too early"))
        if body is None:
            return _response(refusal(413, f"The body may have at most {MAX_BODY_BYTES} bytes"))
        query = {k: v for k, v in request.query_params.items() if not k.startswith("hmac_")}
        path = "/" + request.path_params["rest"]
        return _response(await recombee.respond(request.method, path, query, body))

    return [Route(f"/{settings.recombee_database_id}/{{rest:path}}", serve, methods=METHODS)]


async def _body(request: Request) -> bytes | None:
    """None when it is too long, which shows before all of it is read."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _response(given: ApiResponse) -> Response:
    content: Any = json.dumps(given.body, separators=(",", ":"))
    return Response(content, status_code=given.status, media_type="application/json")
