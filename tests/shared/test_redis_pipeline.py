"""Commands to one Redis server on a connection of our own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import hiredis
import pytest
from redis.exceptions import ResponseError

from shared.cache.redis_pipeline import RedisAddress, RedisPipeline, address_in, open_pipeline
from tests.shared.redis_servers import redis_on_a_free_port, redis_server
from tests.system.running import free_ports

PASSWORD = "opened"
LONG = 30.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with redis_on_a_free_port(tmp_path_factory.mktemp("redis")) as port:
        yield port


@asynccontextmanager
async def pipeline_to(address: str, seconds: float = LONG) -> AsyncIterator[RedisPipeline]:
    found = address_in(address)
    assert found is not None
    async with open_pipeline(found, seconds) as pipeline:
        yield pipeline


class Scripted:
    """Replies to each command with the next of these bytes. None closes the connection, an empty reply keeps
    the client waiting.
    """

    def __init__(self, replies: Sequence[bytes | None]) -> None:
        self._replies = list(replies)
        self.connections = 0
        self.received = 0
        self.second = asyncio.Event()
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        parser = hiredis.Reader()
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                while parser.gets() is not False:
                    self.received += 1
                    if self.received == 2:
                        self.second.set()
                    reply = self._replies.pop(0)
                    if reply is None:
                        return
                    writer.write(reply)
        finally:
            writer.close()


@asynccontextmanager
async def scripted(
    *replies: bytes | None, seconds: float = LONG
) -> AsyncIterator[tuple[Scripted, RedisPipeline]]:
    server = Scripted(replies)
    async with await asyncio.start_server(server.handle, "127.0.0.1", 0) as listening:
        url = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with pipeline_to(url, seconds) as pipeline:
            yield server, pipeline


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache:7/0", RedisAddress("cache", 7, [])),
        ("redis://cache", RedisAddress("cache", 6379, [])),
        ("redis://[::1]:7/3", RedisAddress("::1", 7, [("SELECT", 3)])),
        ("redis://:p%40ss@cache:7", RedisAddress("cache", 7, [("AUTH", "p@ss")])),
        (
            "redis://ada:secret@cache:7/2",
            RedisAddress("cache", 7, [("AUTH", "ada", "secret"), ("SELECT", 2)]),
        ),
        ("rediss://cache:7/0", None),
        ("redis://cache:7/0?health_check_interval=3", None),
    ],
)
def test_address_is_the_one_of_the_url(url: str, address: RedisAddress | None) -> None:
    assert address_in(url) == address


async def test_database_and_password_of_the_url_are_used(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with redis_server(tmp_path, port) as _:
        async with pipeline_to(f"redis://127.0.0.1:{port}/0") as first:
            await first.run(("SET", "song", b"in 0"))
            await first.run(("CONFIG", "SET", "requirepass", PASSWORD))
        async with pipeline_to(f"redis://:{PASSWORD}@127.0.0.1:{port}/3") as third:
            assert await third.run(("GET", "song")) == [None]
            await third.run(("SET", "song", b"in 3"))
        async with pipeline_to(f"redis://default:{PASSWORD}@127.0.0.1:{port}") as first:
            assert await first.run(("GET", "song")) == [b"in 0"]
        async with pipeline_to(f"redis://:wrong@127.0.0.1:{port}") as refused:
            for _ in range(2):
                with pytest.raises(ConnectionRefusedError, match="WRONGPASS"):
                    await refused.run(("GET", "song"))


async def test_each_caller_gets_its_own_replies(port: int) -> None:
    async with pipeline_to(f"redis://127.0.0.1:{port}") as pipeline:
        for number in range(50):
            await pipeline.run(("SET", f"song:{number}", b"\xff\r\n" * number, "EX", 60))
        found = await asyncio.gather(
            *(pipeline.run(("MGET", f"song:{n}", "none"), ("EXISTS", f"song:{n}")) for n in range(50))
        )
    assert found == [[[b"\xff\r\n" * number, None], 1] for number in range(50)]


async def test_commands_share_one_connection() -> None:
    async with scripted(*[b":1\r\n"] * 20) as (server, pipeline):
        await asyncio.gather(*(pipeline.run(("INCR", "a")) for _ in range(10)))
        await asyncio.gather(*(pipeline.run(("INCR", "a")) for _ in range(10)))
    assert server.connections == 1


async def test_no_command_has_no_replies() -> None:
    async with scripted() as (server, pipeline):
        assert await pipeline.run() == []
    assert server.connections == 0


async def test_error_is_raised_and_later_replies_stay_in_order() -> None:
    replies = (b"+OK\r\n", b"-OOM full\r\n", b"+OK\r\n", b"$2\r\nok\r\n")
    async with scripted(*replies) as (_, pipeline):
        with pytest.raises(ResponseError, match="OOM full"):
            await pipeline.run(("SET", "a", b""), ("SET", "b", b""), ("SET", "c", b""))
        assert await pipeline.run(("GET", "a")) == [b"ok"]


async def test_reply_to_a_cancelled_caller_is_not_given_to_the_next() -> None:
    async with scripted(b"+warm\r\n", b"", b"+first\r\n+second\r\n") as (server, pipeline):
        await pipeline.run(("PING",))
        cancelled = asyncio.create_task(pipeline.run(("GET", "first")))
        await server.second.wait()
        cancelled.cancel()
        assert await pipeline.run(("GET", "second")) == [b"second"]


async def test_reads_are_repeated_if_the_kept_connection_is_lost() -> None:
    async with scripted(b"+a\r\n", None, b"+b\r\n", b"+c\r\n") as (server, pipeline):
        assert await pipeline.read(("GET", "a")) == [b"a"]
        found = await asyncio.gather(pipeline.read(("GET", "b")), pipeline.read(("GET", "c")))
    assert [*found] == [[b"b"], [b"c"]]
    assert server.connections == 2


async def test_writes_are_not_repeated() -> None:
    """Redis may have executed them, and another process may have written since."""
    async with scripted(b"+OK\r\n", None, b"+OK\r\n") as (server, pipeline):
        await pipeline.run(("SET", "a", b"1"))
        with pytest.raises(ConnectionError):
            await pipeline.run(("SET", "a", b"2"))
        assert server.received == 2
        assert await pipeline.run(("SET", "a", b"3")) == [b"OK"]


async def test_server_that_closes_every_new_connection_is_an_error() -> None:
    """A proxy whose Redis is gone."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server, pipeline_to(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}") as pipeline:
        async with asyncio.timeout(LONG / 2):
            for _ in range(20):
                found = await asyncio.gather(
                    *(pipeline.read(("GET", "a")) for _ in range(5)), return_exceptions=True
                )
                assert {isinstance(each, ConnectionError) for each in found} == {True}


async def test_command_that_cannot_be_packed_does_not_shift_replies() -> None:
    async with scripted(b"+warm\r\n", b"+a\r\n", b"+b\r\n") as (_, pipeline):
        await pipeline.run(("PING",))
        with pytest.raises(UnicodeEncodeError):
            await pipeline.run(("GET", "\ud800"))
        assert [await pipeline.run(("GET", key)) for key in "ab"] == [[b"a"], [b"b"]]


@pytest.mark.parametrize("error", ["LOADING Redis is loading", "ERR max number of clients reached"])
async def test_server_that_refuses_all_commands_is_down(error: str) -> None:
    async with scripted(b"-%s\r\n" % error.encode()) as (_, pipeline):
        with pytest.raises(ConnectionRefusedError, match=error):
            await pipeline.run(("GET", "a"))


async def test_new_connection_that_is_closed_is_an_error() -> None:
    async with scripted(None, b"+a\r\n") as (_, pipeline):
        with pytest.raises(ConnectionError):
            await pipeline.run(("GET", "a"))
        assert await pipeline.run(("GET", "a")) == [b"a"]


async def test_server_that_hangs_is_a_timeout_and_the_next_command_connects_anew() -> None:
    async with scripted(b"", b"+a\r\n", seconds=0.3) as (server, pipeline):
        with pytest.raises(TimeoutError):
            await pipeline.run(("GET", "a"))
        assert await pipeline.run(("GET", "a")) == [b"a"]
    assert server.connections == 2


@pytest.mark.parametrize("odd", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+a\r\n+unsolicited\r\n"])
async def test_server_that_is_no_redis_is_given_up(odd: bytes) -> None:
    async with scripted(b"+warm\r\n", odd, b"+b\r\n", b"+b\r\n") as (server, pipeline):
        await pipeline.run(("PING",))
        await asyncio.gather(pipeline.run(("GET", "a")), return_exceptions=True)
        assert await pipeline.run(("GET", "b")) == [b"b"]
    assert server.connections == 2


async def test_closing_fails_pending_commands() -> None:
    async with scripted(b"+warm\r\n", b"") as (server, pipeline):
        await pipeline.run(("PING",))
        pending = asyncio.create_task(pipeline.run(("GET", "a")))
        await server.second.wait()
    with pytest.raises(OSError):
        await pending


async def test_closed_pipeline_connects_no_more() -> None:
    async with scripted(b"+a\r\n") as (server, pipeline):
        connecting = asyncio.create_task(pipeline.run(("GET", "a")))
        await asyncio.sleep(0)
        await pipeline.close()
        for each in (connecting, pipeline.run(("GET", "a"))):
            with pytest.raises(OSError, match="closed"):
                await each
    assert server.received == 0


async def test_unreachable_server_is_an_error() -> None:
    (port,) = free_ports(1)
    async with pipeline_to(f"redis://127.0.0.1:{port}") as pipeline:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await pipeline.run(("GET", "a"))
