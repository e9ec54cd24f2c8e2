"""Relays a request to its service and the response back, as streams, with each failure told apart."""

import functools

import structlog
from starlette.types import Scope

from api_gateway import headers as hygiene
from api_gateway.breaker import Admission
from api_gateway.concurrency import ConcurrencyLimiter, Permit
from api_gateway.downstream.exchange import Exchange
from api_gateway.ports import ApiRequest, Recording
from api_gateway.request_body import BodyError, ClientDisconnectedError, RequestBody
from api_gateway.resources import Resources, Upstream
from api_gateway.responses import (
    ResponseWriter,
    ServiceBadAnswerError,
    ServiceLateError,
    ServiceUnreachableError,
)
from api_gateway.upload import Upload
from api_gateway.upstream.connection import UpstreamConnection
from api_gateway.upstream.errors import (
    ConnectError,
    ConnectionLostError,
    ResponseHeadTooLargeError,
    ResponseTimeoutError,
    UpstreamError,
)
from api_gateway.upstream.response import UpstreamResponse

_UNREACHABLE_RETRY_SECONDS = 2
BUSY_RETRY_SECONDS = 5
_REPEATABLE = frozenset({"GET", "HEAD"})

log = structlog.stdlib.get_logger(__name__)


async def relay(
    resources: Resources,
    request: ApiRequest,
    scope: Scope,
    exchange: Exchange,
    writer: ResponseWriter,
    request_id: bytes,
) -> None:
    """Answer the request with what the service of its target answers.

    Returns when the response has been sent or broke off.

    Raises:
        AppError: nothing was sent yet.
        ClientDisconnectedError, ClientTooSlowError, BodyBufferFullError: the same, for want of the body.
    """
    upstream = resources.upstreams[request.target.service]
    body = RequestBody(exchange, request, resources.limits.body, resources.body_buffer)
    try:
        content = b"" if body.is_streamed or body.length == 0 else await body.read_all()
        permit = await acquire(upstream.permits, upstream, resources.limits.permit_seconds)
        call = upstream.breaker.admit()
        try:
            if call is None:
                raise ServiceUnreachableError(upstream.name, upstream.breaker.retry_after_seconds)
            forwarding = _Relay(resources, upstream, request, exchange, writer, permit, call)
            data = forwarding.head(scope, body, len(content), request_id)
            await forwarding.run(data + content, body)
        finally:
            permit.release()
            if call is not None:
                call.abandoned()
    finally:
        body.close()


async def acquire(limiter: ConcurrencyLimiter, upstream: Upstream, seconds: float) -> Permit:
    """A permit. Waiting says nothing about the service, so its circuit breaker is not told.

    Raises:
        ServiceUnreachableError: none was free in time.
    """
    permit = limiter.try_acquire()
    if permit is not None:
        return permit
    try:
        return await limiter.acquire(seconds)
    except TimeoutError:
        log.warning("no permit is free", callee=upstream.name)
        raise ServiceUnreachableError(upstream.name, BUSY_RETRY_SECONDS) from None


class _Relay:
    """One request at its service."""

    __slots__ = ("_call", "_exchange", "_permit", "_request", "_resources", "_upload", "_upstream", "_writer")

    def __init__(
        self,
        resources: Resources,
        upstream: Upstream,
        request: ApiRequest,
        exchange: Exchange,
        writer: ResponseWriter,
        permit: Permit,
        call: Admission,
    ) -> None:
        self._resources = resources
        self._upstream = upstream
        self._request = request
        self._exchange = exchange
        self._writer = writer
        self._permit = permit
        self._call = call
        self._upload: Upload | None = None

    def head(self, scope: Scope, body: RequestBody, size: int, request_id: bytes) -> bytes:
        """The head of the request as the service gets it."""
        request, limits = self._request, self._resources.limits
        peer = scope["client"][0] if scope["client"] else ""
        passed = hygiene.to_service(
            request.headers,
            peer,
            scope["scheme"].encode("ascii"),
            trusted=hygiene.is_trusted(peer, limits.trusted_networks),
            request_id=request_id,
        )
        if body.is_streamed:
            passed.append((b"expect", b"100-continue"))
        if body.length is None:
            passed.append(
                (b"transfer-encoding", b"chunked") if body.is_streamed else (b"content-length", b"%d" % size)
            )
        path = request.target.path
        target = path + b"?" + request.query if request.query else path
        parts = [
            request.method.encode("ascii"),
            b" ",
            target,
            b" HTTP/1.1\r\nhost: ",
            self._upstream.pool.authority,
        ]
        for name, value in passed:
            parts += (b"\r\n", name, b": ", value)
        parts.append(b"\r\n\r\n")
        return b"".join(parts)

    async def run(self, data: bytes, body: RequestBody) -> None:
        """Send `data`, which is everything unless the body is streamed, and pass the response on."""
        self._exchange.outlives_half_close = body.is_streamed
        try:
            response = await self._attempt(data, body)
        except UpstreamError as failure:
            self._raise_as_answer(failure)
        self._call.succeeded()
        try:
            await self._pass_on(response)
        finally:
            if not response.ended:
                response.fail(ClientDisconnectedError())
            if self._upload is not None:
                self._upload.stop()

    async def _attempt(self, data: bytes, body: RequestBody) -> UpstreamResponse:
        try:
            return await self._send(data, body)
        except (ConnectError, ConnectionLostError):
            if self._request.method not in _REPEATABLE or self._exchange.head.framing.has_body:
                raise
            return await self._send(data, body)

    async def _send(self, data: bytes, body: RequestBody) -> UpstreamResponse:
        """The response as soon as it has begun."""
        limits, exchange, pool = self._resources.limits, self._exchange, self._upstream.pool
        connection = pool.take() or await pool.connect()
        if exchange.disconnected:
            connection.abort()
            raise ClientDisconnectedError
        response = connection.send(self._request.method, data, idle_seconds=limits.idle_seconds)
        exchange.on_disconnect = functools.partial(_give_up, connection, response)
        if body.is_streamed:
            self._upload = Upload(self._resources, self._upstream, connection, response, exchange, body)
        else:
            connection.request_sent(
                limits.upload_response_seconds if body.is_upload else limits.response_seconds
            )
        try:
            await response.wait_for_head()
        except BaseException:
            connection.abort()
            if self._upload is not None:
                self._upload.stop()
            raise
        if response.ended:
            self._permit.release()
        else:
            response.on_end = self._permit.release
        return response

    def _raise_as_answer(self, failure: UpstreamError) -> None:
        name = self._upstream.name
        if isinstance(failure, ResponseHeadTooLargeError):
            self._call.abandoned()
        else:
            self._call.failed()
        log.warning("no response", callee=name, error=type(failure).__name__)
        if isinstance(failure, ConnectError):
            raise ServiceUnreachableError(name, _UNREACHABLE_RETRY_SECONDS) from failure
        if isinstance(failure, ResponseTimeoutError):
            raise ServiceLateError(name) from failure
        raise ServiceBadAnswerError(name) from failure

    async def _pass_on(self, response: UpstreamResponse) -> None:
        recording = self._record(response)
        writer = self._writer
        await writer.start(response.status, response.headers)
        try:
            if not response.ended and not response.buffered:
                await writer.write(b"")
            while piece := await response.read():
                if recording is not None:
                    recording.add(piece)
                if response.ended and not response.buffered:
                    break
                await writer.write(piece)
        except (UpstreamError, BodyError) as failure:
            # Not completing the response makes the server cut the connection, so the client notices.
            log.warning("response broke off", callee=self._upstream.name, error=type(failure).__name__)
            return
        if recording is not None:
            recording.complete()
        await writer.end(piece)

    def _record(self, response: UpstreamResponse) -> Recording | None:
        cache = self._resources.cache
        if cache is None:
            return None
        return cache.record(self._request, response.status, hygiene.to_cache(response.headers))


def _give_up(connection: UpstreamConnection, response: UpstreamResponse) -> None:
    """The client has left."""
    response.fail(ClientDisconnectedError())
    connection.abort()
