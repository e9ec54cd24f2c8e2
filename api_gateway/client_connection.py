"""A client's connection that ends although its client reads nothing.

asyncio waits for as long as it takes until what was written has gone out, and closes a connection only then.
"""

import asyncio
from typing import Any

import structlog

log = structlog.stdlib.get_logger(__name__)


class ClientConnection(asyncio.Transport):
    """What uvicorn uses of a transport, over `transport`.

    It is aborted when for `idle_seconds` a full buffer has not become empty, or a close has not come about.
    """

    def __init__(self, transport: asyncio.Transport, idle_seconds: float) -> None:
        super().__init__()
        self._transport = transport
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def full(self) -> None:
        """The client is behind."""
        self._wait()

    def drained(self) -> None:
        """The client has caught up."""
        self._stop_waiting()
        if self.is_closing():
            self._wait()

    def lost(self) -> None:
        """There is no connection any more."""
        self._stop_waiting()

    def close(self) -> None:
        if not self.is_closing():
            self._transport.close()
            self._wait()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def _wait(self) -> None:
        self._stop_waiting()
        self._timer = self._loop.call_later(self._idle_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        log.info("the client takes nothing")
        self.abort()
