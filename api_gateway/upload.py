"""The body of an upload on its way to the service.

The service is sent the head alone, with `Expect: 100-continue`. It refuses (401, 403, 413) before it reads,
or requests the body. Only then does the client get `100 Continue`, and the upload acquires a permit for
uploads. So a client with a forged token holds none, however slowly it sends.
"""

import asyncio
from typing import Final

import structlog

from api_gateway.concurrency import Permit
from api_gateway.downstream.exchange import Exchange
from api_gateway.request_body import BodyError, RequestBody
from api_gateway.resources import Resources, Upstream
from api_gateway.responses import ServiceUnreachableError
from shared.http.client.connection import UpstreamConnection
from shared.http.client.response import UpstreamResponse

CONTINUE_SECONDS: Final = 5.0
"""The timeout for the service's `100 Continue`. Then the body is sent anyway: RFC 9110, 10.1.1."""
_BUSY_RETRY_SECONDS: Final = 5

log = structlog.stdlib.get_logger(__name__)


class Upload:
    """Runs until the body is sent, the response arrives first, or `stop` is called."""

    def __init__(
        self,
        resources: Resources,
        upstream: Upstream,
        connection: UpstreamConnection,
        response: UpstreamResponse,
        exchange: Exchange,
        body: RequestBody,
    ) -> None:
        self._limits = resources.limits
        self._upstream = upstream
        self._connection = connection
        self._response = response
        self._exchange = exchange
        self._body = body
        loop = asyncio.get_running_loop()
        self._wanted: asyncio.Future[None] = loop.create_future()
        response.on_continue = self._continue
        self._permit: Permit | None = None
        self.undecided: Permit | None = None
        """Released when the service asks for the body."""
        self._task = loop.create_task(self._run())

    def stop(self) -> None:
        """The response has ended, or failed: no more of the body is sent."""
        self._task.cancel()
        if self._permit is not None:
            self._permit.release()

    def _continue(self) -> None:
        if not self._wanted.done():
            self._wanted.set_result(None)

    async def _run(self) -> None:
        await asyncio.wait([self._wanted], timeout=min(CONTINUE_SECONDS, self._limits.idle_seconds))
        if self._response.status and not self._wanted.done():
            return  # the service has responded without the body
        if self.undecided is not None:
            self.undecided.release()
        try:
            self._permit = await self._upstream.upload_permits.acquire(self._limits.permit_seconds)
        except TimeoutError:
            log.warning("no upload permit available", callee=self._upstream.name)
            self._fail(ServiceUnreachableError(self._upstream.name, _BUSY_RETRY_SECONDS))
            return
        try:
            self._exchange.send_continue()
            await self._send_body()
        except BodyError as failure:
            self._fail(failure)

    async def _send_body(self) -> None:
        connection = self._connection
        is_chunked = self._body.length is None
        async for piece in self._body.pieces():
            await connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        if is_chunked:
            await connection.write(b"0\r\n\r\n")
        connection.request_sent(self._limits.upload_response_seconds)

    def _fail(self, failure: Exception) -> None:
        self._response.fail(failure)
        self._connection.abort()
