"""ShortLived a request to its service and the answer back, as streams, with each failure told apart."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
import structlog
from starlette.types import Scope, Send

from api_gateway import headers as hygiene
from api_gateway.answers import (
    ServiceBadAnswerError,
    ServiceLateError,
    ServiceUnreachableError,
    request_timeout,
    send_answer,
)
from api_gateway.body import (
    BodyLimits,
    BodyTooLargeError,
    ClientLeftError,
    ClientTooSlowError,
    IncomingBody,
)
from api_gateway.breaker import Admission
from api_gateway.route_table import Target
from api_gateway.transport import TooLongHeaderError
from api_gateway.upstream import Deadlines, Place, Upstream
from shared.http.problem import problem_of
from shared.http.request_id import current_request_id

_UNREACHABLE_RETRY_SECONDS = 2
_BUSY_RETRY_SECONDS = 5
_REPEATABLE = frozenset({"GET", "HEAD"})

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the gateway takes, and whom it believes."""

    body: BodyLimits
    deadlines: Deadlines
    trusted_networks: Sequence[hygiene.Network]


class _PassedOnBody(httpx.AsyncByteStream):
    """A request's body in the shape that the transport takes."""

    def __init__(self, body: IncomingBody) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.chunks()


class Forwarder:
    """Forwards requests whose target is known."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport, upstreams: Mapping[str, Upstream], limits: Limits
    ) -> None:
        self._transport = transport
        self._upstreams = upstreams
        self._limits = limits

    async def forward(self, target: Target, scope: Scope, body: IncomingBody, send: Send) -> None:
        """Answer the request with what the service of `target` answers, or with why it does not.

        Raises:
            AppError: nothing was sent yet, and nothing will be.
        """
        upstream = self._upstreams[target.service]
        try:
            await body.read_if_short()
        except (ClientLeftError, ClientTooSlowError):
            await _refuse(body, send)
            return
        place = await self._place_at(upstream, body)
        try:
            await self._exchange(target, upstream, place, scope, body, send)
        finally:
            place.leave()

    async def _place_at(self, upstream: Upstream, body: IncomingBody) -> Place:
        """Waiting says nothing about the service, so its breaker is not told."""
        seconds = self._limits.deadlines.pool
        try:
            return await upstream.places.take(has_long_body=not body.is_short, seconds=seconds)
        except TimeoutError:
            log.warning("no place is free", callee=upstream.name, has_long_body=not body.is_short)
            raise ServiceUnreachableError(upstream.name, _BUSY_RETRY_SECONDS) from None

    async def _exchange(
        self, target: Target, upstream: Upstream, place: Place, scope: Scope, body: IncomingBody, send: Send
    ) -> None:
        admission = upstream.breaker.admit()
        if admission is None:
            raise ServiceUnreachableError(upstream.name, upstream.breaker.retry_after_seconds)
        try:
            outgoing = self._outgoing(target, upstream, body, scope)
            await _Exchange(self._transport, upstream, admission, place, body, send).run(outgoing)
        finally:
            admission.abandoned()

    def _outgoing(self, target: Target, upstream: Upstream, body: IncomingBody, scope: Scope) -> "_Outgoing":
        headers: hygiene.Headers = scope["headers"]
        host = next((value for name, value in headers if name == b"host"), b"")
        address = scope["client"][0] if scope["client"] else ""
        sender = hygiene.Sender(address, scope["scheme"].encode("ascii"), host)
        passed = hygiene.to_service(
            headers,
            sender,
            trusted=hygiene.is_trusted(address, self._limits.trusted_networks),
            request_id=current_request_id(),
        )
        if body.framing.length is None:
            passed.append((b"transfer-encoding", b"chunked"))
        query = scope["query_string"]
        return _Outgoing(
            method=scope["method"],
            url=upstream.url,
            headers=passed,
            target=target.path + b"?" + query if query else target.path,
            timeout=self._limits.deadlines.of(upload=body.is_upload),
            repeatable=scope["method"] in _REPEATABLE and not body.framing.has_body,
        )


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A request as it goes to the service; made anew for each attempt."""

    method: str
    url: httpx.URL
    headers: hygiene.Headers
    target: bytes
    timeout: Mapping[str, float]
    repeatable: bool

    def build(self, stream: httpx.AsyncByteStream) -> httpx.Request:
        return httpx.Request(
            self.method,
            self.url,
            headers=self.headers,
            stream=stream,
            extensions={"target": self.target, "timeout": self.timeout},
        )


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        upstream: Upstream,
        admission: Admission,
        place: Place,
        body: IncomingBody,
        send: Send,
    ) -> None:
        self._transport = transport
        self._upstream = upstream
        self._admission = admission
        self._place = place
        self._body = body
        self._send = send
        self._begun = False

    async def run(self, outgoing: _Outgoing) -> None:
        """Ends when the answer has been sent, the client left, or the answer broke off.

        Raises:
            AppError: there is no answer to pass on.
        """
        leash = asyncio.timeout(None)
        self._body.on_failure(lambda: _pull(leash))
        watch = asyncio.create_task(self._body.watch())
        try:
            async with leash:
                response = await self._ask(outgoing)
                try:
                    await self._pass_on(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            if not self._begun:
                self._place.leave()
                await _refuse(self._body, self._send)
        finally:
            watch.cancel()

    async def _ask(self, outgoing: _Outgoing) -> httpx.Response:
        """The answer as soon as it has begun.

        Raises:
            AppError: there is none that can be passed on.
        """
        name = self._upstream.name
        try:
            response = await self._attempt(outgoing)
        except httpx.TransportError as failure:
            if isinstance(failure, TooLongHeaderError):
                self._admission.abandoned()
            else:
                self._admission.failed()
            log.warning("no answer", callee=name, error=type(failure).__name__)
            if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout):
                raise ServiceUnreachableError(name, _UNREACHABLE_RETRY_SECONDS) from failure
            if isinstance(failure, httpx.TimeoutException):
                raise ServiceLateError(name) from failure
            raise ServiceBadAnswerError(name) from failure
        return response

    async def _attempt(self, outgoing: _Outgoing) -> httpx.Response:
        stream = _PassedOnBody(self._body)
        try:
            return await self._transport.handle_async_request(outgoing.build(stream))
        except (httpx.ConnectError, httpx.ReadError):
            if not outgoing.repeatable:
                raise
            return await self._transport.handle_async_request(outgoing.build(stream))

    async def _pass_on(self, response: httpx.Response) -> None:
        headers = self._headers_of(response)
        must_close = self._body.must_close
        if must_close:
            headers.append((b"connection", b"close"))
        self._begun = True
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        try:
            async for chunk in response.aiter_raw():
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        except httpx.TransportError as failure:
            # Not completing the answer makes the server cut the connection, so the client notices.
            log.warning("answer broke off", callee=self._upstream.name, error=type(failure).__name__)
            return
        if must_close and not self._body.ended.is_set():
            await response.aclose()
            self._place.leave()
            await self._body.linger()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _headers_of(self, response: httpx.Response) -> hygiene.Headers:
        try:
            headers = hygiene.to_client(response.headers.raw, response.status_code)
        except ValueError as failure:
            self._admission.failed()
            raise ServiceBadAnswerError(self._upstream.name) from failure
        self._admission.succeeded()
        return headers


async def _refuse(body: IncomingBody, send: Send) -> None:
    """Tell the client what is wrong with its body, if it is there."""
    if isinstance(body.failure, BodyTooLargeError):
        await send_answer(problem_of(body.failure), body, send)
    elif isinstance(body.failure, ClientTooSlowError):
        await send_answer(request_timeout(), body, send)


def _pull(leash: asyncio.Timeout) -> None:
    """End what runs under `leash` now, unless it has ended."""
    try:
        leash.reschedule(asyncio.get_running_loop().time())
    except RuntimeError:
        return
