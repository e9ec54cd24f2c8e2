"""Relays a request to its service and the response back, as streams, and maps each failure to an error."""

from collections.abc import Coroutine
from typing import Any, NoReturn

import structlog

from api_gateway.concurrency import ConcurrencyLimiter, Permit
from api_gateway.downstream.exchange import Exchange
from api_gateway.downstream.request_head import RequestFields
from api_gateway.headers import ResponseHead, head_to_client, is_trusted, lines_to_service, to_cache
from api_gateway.ports import ApiRequest, Recording
from api_gateway.request_body import BodyError, ClientDisconnectedError, RequestBody
from api_gateway.resources import Resources, Upstream
from api_gateway.responses import ResponseWriter, ServiceUnreachableError, error_of
from api_gateway.upload import Upload
from shared.circuit_breaker import Call
from shared.http.client.connection import UpstreamConnection
from shared.http.client.errors import (
    ConnectError,
    ConnectionLostError,
    ResponseHeadTooLargeError,
    UpstreamError,
)
from shared.http.client.response import UpstreamResponse

BUSY_RETRY_SECONDS = 5
UNDECIDED_SECONDS = 10.0
"""How long an upload waits for a permit to ask the service for a decision."""
_REPEATABLE = frozenset({"GET", "HEAD"})

log = structlog.stdlib.get_logger(__name__)


def relay(
    resources: Resources, request: ApiRequest, exchange: Exchange, writer: ResponseWriter
) -> Coroutine[Any, Any, None]:
    """Send the request to the service of its target, and the response to the client.

    Returns when the response has been sent or aborted.

    Raises:
        AppError: nothing was sent yet.
        ClientDisconnectedError, ClientTooSlowError, BodyBufferFullError: the same, and the body is
            incomplete.
    """
    if exchange.head.fields.has_body:
        return _relay_with_body(resources, request, exchange, writer)
    return _Relay(resources, request, exchange, writer, None).run(b"")


async def _relay_with_body(
    resources: Resources, request: ApiRequest, exchange: Exchange, writer: ResponseWriter
) -> None:
    body = RequestBody(exchange, request, resources.limits.body, resources.body_buffer)
    call = _Relay(resources, request, exchange, writer, body)
    try:
        if body.is_streamed:
            await call.run_undecided()
        else:
            await call.run(await body.read_all())
    finally:
        body.close()


async def _acquire(upstream: Upstream, permits: ConcurrencyLimiter, seconds: float) -> Permit:
    """A permit. Waiting says nothing about the service, so it does not count for the circuit breaker.

    Raises:
        ServiceUnreachableError: none was free in time.
    """
    try:
        return await permits.acquire(seconds)
    except TimeoutError:
        log.warning("no permit available", callee=upstream.name)
        raise ServiceUnreachableError(upstream.name, BUSY_RETRY_SECONDS) from None


class _Relay:
    """One request at its service. `body` is None when there is none."""

    _connection: UpstreamConnection | None = None
    _response: UpstreamResponse
    """The response on `_connection`."""
    _upload: Upload | None = None
    _undecided: Permit | None = None

    def __init__(
        self,
        resources: Resources,
        request: ApiRequest,
        exchange: Exchange,
        writer: ResponseWriter,
        body: RequestBody | None,
    ) -> None:
        self._resources = resources
        self._upstream = resources.upstreams[request.target.service]
        self._request = request
        self._exchange = exchange
        self._writer = writer
        self._body = body

    async def run_undecided(self) -> None:
        """Send the head of a request whose body the service may refuse before it is sent."""
        upstream = self._upstream
        self._undecided = await _acquire(upstream, upstream.undecided_permits, UNDECIDED_SECONDS)
        try:
            await self.run(b"")
        finally:
            self._undecided.release()

    async def run(self, content: bytes) -> None:
        """Send the head and `content`, which is the whole body unless that is streamed."""
        upstream = self._upstream
        permit = upstream.permits.try_acquire()
        if permit is None:
            permit = await _acquire(upstream, upstream.permits, self._resources.limits.permit_seconds)
        call = upstream.breaker.try_call()
        try:
            if call is None:
                raise ServiceUnreachableError(upstream.name, upstream.breaker.retry_after_seconds)
            response = await self._attempt(self._head(len(content)) + content, call)
            if self._undecided is not None:
                self._undecided.release()
            if response.ended:
                permit.release()
            else:
                response.on_end = permit.release
            await self._pass_on(response)
        except BaseException:
            if call is not None:
                call.abandoned()
            raise
        finally:
            permit.release()
            self._exchange.on_disconnect = None  # or the two would refer to each other
            if self._upload is not None:
                self._upload.stop()
            if self._connection is not None and not self._response.ended:
                self._connection.abort()

    def _head(self, size: int) -> bytes:
        """The head of the request as the service gets it."""
        request, fields = self._request, self._exchange.head.fields
        path, query = request.target.path, request.query
        lines = fields.to_service
        if lines is None or request.headers is not fields.headers:
            lines = self._lines_to_service(fields)
        return b"%b %b HTTP/1.1\r\nhost: %b\r\n%bx-request-id: %b\r\n%b\r\n" % (
            request.method.encode("ascii"),
            b"%b?%b" % (path, query) if query else path,
            self._upstream.pool.authority,
            lines,
            self._writer.request_id,
            b"" if self._body is None else self._body_lines(self._body, size),
        )

    def _lines_to_service(self, fields: RequestFields) -> bytes:
        """As the service gets them. Kept for requests with the same, unless changed for this one."""
        headers, peer = self._request.headers, self._exchange.peer
        is_proxy = is_trusted(peer, self._resources.limits.trusted_networks)
        lines = lines_to_service(headers, peer, is_trusted=is_proxy)
        if headers is fields.headers:
            fields.to_service = lines
        return lines

    def _body_lines(self, body: RequestBody, size: int) -> bytes:
        if not body.is_streamed:
            return b"" if body.length is not None else b"content-length: %d\r\n" % size
        framing = b"" if body.length is not None else b"transfer-encoding: chunked\r\n"
        return b"expect: 100-continue\r\n" + framing

    async def _attempt(self, data: bytes, call: Call) -> UpstreamResponse:
        """Returns the response as soon as it has begun. Reads are repeated after a failed connection.

        Raises:
            AppError: there is no valid response.
        """
        pool, is_repeated = self._upstream.pool, False
        while True:
            if self._exchange.disconnected:
                raise ClientDisconnectedError
            try:
                response = self._send(pool.take() or await self._connect(), data)
                await response.wait_for_head()
            except UpstreamError as failure:
                if is_repeated or not self._may_repeat(failure):
                    self._raise_gateway_error(failure, call)
                is_repeated = True
            else:
                call.succeeded()
                return response

    def _may_repeat(self, failure: UpstreamError) -> bool:
        is_read = self._body is None and self._request.method in _REPEATABLE
        return is_read and isinstance(failure, ConnectError | ConnectionLostError)

    async def _connect(self) -> UpstreamConnection:
        connection = await self._upstream.pool.connect()
        if self._exchange.disconnected:
            connection.abort()
            raise ClientDisconnectedError
        if not connection.is_usable:
            raise ConnectError("closed by the service")
        return connection

    def _send(self, connection: UpstreamConnection, data: bytes) -> UpstreamResponse:
        limits, body = self._resources.limits, self._body
        seconds = limits.response_seconds if body is None else self._response_seconds(body)
        self._connection = connection
        self._response = response = connection.send(
            self._request.method, data, idle_seconds=limits.idle_seconds, response_seconds=seconds
        )
        self._exchange.on_disconnect = self._give_up
        if seconds is None and body is not None:
            self._begin_upload(connection, response, body)
        return response

    def _response_seconds(self, body: RequestBody) -> float | None:
        """None for a body that is sent later."""
        if body.is_streamed:
            return None
        limits = self._resources.limits
        return limits.upload_response_seconds if body.is_upload else limits.response_seconds

    def _begin_upload(
        self, connection: UpstreamConnection, response: UpstreamResponse, body: RequestBody
    ) -> None:
        self._exchange.outlives_half_close = True
        self._upload = Upload(self._resources, self._upstream, connection, response, self._exchange, body)
        self._upload.undecided = self._undecided

    def _give_up(self) -> None:
        """The client has disconnected."""
        self._response.fail(ClientDisconnectedError())
        if self._connection is not None and not self._response.ended:  # or it is another request's
            self._connection.abort()

    def _raise_gateway_error(self, failure: UpstreamError, call: Call) -> NoReturn:
        name = self._upstream.name
        if isinstance(failure, ResponseHeadTooLargeError):
            call.abandoned()
        else:
            call.failed()
        log.warning("no response", callee=name, error=type(failure).__name__)
        raise error_of(failure, name, is_repeatable=self._may_repeat(failure)) from failure

    async def _pass_on(self, response: UpstreamResponse) -> None:
        head = head_to_client(response.status, response.headers)
        recording = self._record(response) if head.is_marked else None
        if not response.ended:
            await self._stream(head, response, recording)
            return
        body = response.take()
        if recording is not None:
            recording.add(body)
            recording.complete()
        await self._writer.send(head, body)

    async def _stream(
        self, head: ResponseHead, response: UpstreamResponse, recording: Recording | None
    ) -> None:
        """Pass the body on as it arrives."""
        writer = self._writer
        writer.start(head)
        try:
            if not response.buffered:
                await writer.write(b"")
            piece = await response.read()
            while response.buffered or not response.ended:
                if recording is not None:
                    recording.add(piece)
                await writer.write(piece)
                piece = await response.read()
        except (UpstreamError, BodyError) as failure:
            # An incomplete response makes the server abort the connection, so the client notices.
            log.warning("response incomplete", callee=self._upstream.name, error=type(failure).__name__)
            return
        if recording is not None:
            recording.add(piece)
            recording.complete()
        await writer.end(piece)

    def _record(self, response: UpstreamResponse) -> Recording | None:
        cache = self._resources.cache
        if cache is None:
            return None
        return cache.record(self._request, response.status, to_cache(response.headers))
