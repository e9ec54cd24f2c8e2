"""Commands to one Redis server, pipelined on one connection.

redis-py takes 220 to 330 us of processor time for a small MGET, this takes 90: hiredis packs and parses, and
there is no stream between. It opens `redis://` without options; anything else is for redis-py.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import hiredis
from redis.asyncio.connection import parse_url
from redis.exceptions import ReadOnlyError, ResponseError

from shared.deadline import Deadline

Command: TypeAlias = tuple[str | bytes | int, ...]
PendingReplies: TypeAlias = "asyncio.Future[list[Any]]"

_OPTIONS: Final = frozenset({"host", "port", "db", "username", "password"})

_NO_SERVICE: Final = ("LOADING", "NOAUTH", "WRONGPASS", "MASTERDOWN", "ERR max number of clients")
"""How errors begin by which Redis refuses all commands, as opposed to one."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a server is, and the first commands on each connection: credentials and database."""

    host: str
    port: int
    handshake: Sequence[Command]


def address_in(url: str) -> RedisAddress | None:
    """The address in a URL; None where it needs more than host, port, database and credentials."""
    options: dict[str, Any] = dict(parse_url(url))
    if not options.keys() <= _OPTIONS:
        return None
    handshake: list[Command] = []
    if password := options.get("password"):
        username = options.get("username")
        handshake.append(("AUTH", username, password) if username else ("AUTH", password))
    if database := options.get("db"):
        handshake.append(("SELECT", database))
    return RedisAddress(options.get("host", "localhost"), options.get("port", 6379), handshake)


class _Connection(asyncio.Protocol):
    """Replies come in the order of the commands. If none comes for `seconds`, the connection ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._transport: asyncio.Transport
        self._parser = hiredis.Reader()
        self._waiting: deque[tuple[int, PendingReplies]] = deque()
        self._replies: list[Any] = []
        self._deadline = Deadline(loop, self._expired)

    @property
    def is_usable(self) -> bool:
        """Whether commands may be sent on it."""
        return not self._transport.is_closing()

    def send(self, commands: Sequence[Command]) -> PendingReplies:
        """Their replies, errors among them.

        Raises, when awaited:
            ConnectionError: the connection ended first.
            TimeoutError: the server did not reply in time.
        """
        # hiredis's stub describes a tuple of one item.
        packed = b"".join(hiredis.pack_command(each) for each in commands)  # type: ignore[arg-type]
        replies: PendingReplies = self._loop.create_future()
        if not self.is_usable:
            replies.set_exception(_closed_by_redis())
            return replies
        if not self._waiting:
            self._deadline.start(self._seconds)
        self._waiting.append((len(commands), replies))
        self._transport.write(packed)
        return replies

    def abort(self) -> None:
        """Close it, and fail pending commands."""
        self._fail(OSError("closed"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derive from none of asyncio's

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed(data)
            while (reply := self._parser.gets()) is not False:
                self._received(reply)
        except (hiredis.HiredisError, IndexError) as failure:
            self._fail(ConnectionResetError(f"no valid reply: {failure}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(_closed_by_redis())
        self._deadline.close()

    def _received(self, reply: object) -> None:
        count, replies = self._waiting[0]
        self._replies.append(reply)
        if len(self._replies) < count:
            return
        self._waiting.popleft()
        if not replies.done():  # or else its caller was cancelled
            replies.set_result(self._replies)
        self._replies = []
        if self._waiting:
            self._deadline.start(self._seconds)
        else:
            self._deadline.stop()

    def _expired(self) -> None:
        self._fail(TimeoutError("no reply from Redis"))

    def _fail(self, failure: OSError) -> None:
        waiting, self._waiting = self._waiting, deque()
        for _, replies in waiting:
            if not replies.done():
                replies.set_exception(failure)
        self._transport.abort()


class RedisPipeline:
    """Runs commands on one connection, which is made when it is needed, and again when it was lost.

    `seconds` is the timeout for connecting, and for the next reply. Create and close it inside a running
    event loop.
    """

    def __init__(self, address: RedisAddress, seconds: float) -> None:
        self._address = address
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._kept: _Connection | None = None
        self._connecting: asyncio.Task[_Connection] | None = None
        self._is_closed = False
        self.connections = 0
        """How many were made so far."""

    async def run(self, *commands: Command) -> list[Any]:
        """The replies to these commands.

        Raises:
            ResponseError: Redis replied to one of them with an error.
            OSError: Redis cannot be reached, did not reply in time, or refuses all commands. It may have
                executed them.
        """
        if not commands:
            return []
        connection = await self._connected()
        return _checked(await connection.send(commands))

    async def read(self, *commands: Command) -> list[Any]:
        """Like `run`, for commands that change nothing: repeated once if a kept connection was lost."""
        kept = self._kept
        if kept is not None and kept.is_usable:
            with suppress(ConnectionError):
                return await self.run(*commands)
        return await self.run(*commands)

    async def _connected(self) -> _Connection:
        """The connection that concurrent commands share."""
        if self._is_closed:
            raise OSError("closed")
        if self._kept is not None and self._kept.is_usable:
            return self._kept
        if self._connecting is None:
            self._connecting = self._loop.create_task(self._connect())
            self._connecting.add_done_callback(self._has_connected)
        connecting = self._connecting
        await asyncio.wait([connecting])
        if connecting.cancelled():
            raise OSError("closed")
        return connecting.result()

    def _has_connected(self, attempt: "asyncio.Task[_Connection]") -> None:
        self._connecting = None
        if not attempt.cancelled() and attempt.exception() is None:
            self._kept = attempt.result()
            self.connections += 1

    async def _connect(self) -> _Connection:
        async with asyncio.timeout(self._seconds):
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._loop, self._seconds), self._address.host, self._address.port
            )
            if self._address.handshake:
                try:
                    _checked(await connection.send(self._address.handshake))
                except ResponseError as failure:
                    connection.abort()
                    raise ConnectionRefusedError(str(failure)) from failure
                except BaseException:
                    connection.abort()
                    raise
        return connection

    def disconnect(self) -> None:
        """Fail pending commands, and close the connection. The next command connects anew."""
        if self._kept is not None:
            self._kept.abort()

    async def close(self) -> None:
        """Fail pending commands, and close the connection for good."""
        self._is_closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        self.disconnect()


@asynccontextmanager
async def open_pipeline(address: RedisAddress, seconds: float) -> AsyncIterator[RedisPipeline]:
    """A pipeline to the server there, closed at the end. Nothing is connected yet."""
    pipeline = RedisPipeline(address, seconds)
    try:
        yield pipeline
    finally:
        await pipeline.close()


def _checked(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, hiredis.ReplyError):
            text = str(reply)
            if text.startswith(_NO_SERVICE):
                raise ConnectionRefusedError(text)
            raise ReadOnlyError(text) if text.startswith("READONLY") else ResponseError(text)
    return replies


def _closed_by_redis() -> ConnectionError:
    return ConnectionResetError("closed by Redis")
