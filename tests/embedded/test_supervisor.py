"""The supervisor restarts processes and truncates logs."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from embedded import log_files, restart_pause, supervisor
from embedded.plan import ProcessPlan
from embedded.redis import real_server
from embedded.restart_pause import RestartPause
from embedded.supervisor import StartError, Supervisor, child_environment, how_it_ended
from tests.system.processes import all_processes, is_named
from tests.system.running import free_ports


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.02)


@asynccontextmanager
async def supervised(folder: Path) -> AsyncIterator[ProcessPlan]:
    """A Redis, the one of tests without a server of the machine."""
    (port,) = free_ports(1)
    plan = ProcessPlan("redis", port, {"REDIS_PORT": str(port), "EMBEDDED_FAKE_REDIS": "1"}, None)
    running = Supervisor([plan], folder)
    try:
        await running.start()
        yield plan
    finally:
        await running.stop()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def child(name: str) -> int:
    """The process of that name which this one started."""
    (found,) = (
        each.pid for each in all_processes().values() if each.parent == os.getpid() and is_named(each, name)
    )
    return found


async def test_failed_start_is_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restart_pause, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(restart_pause, "LONGEST_SECONDS", 0.05)
    async with supervised(tmp_path) as plan:
        in_the_way = tmp_path / "redis.log"
        in_the_way.unlink()
        in_the_way.mkdir()
        said = ""

        def was_tried_twice() -> bool:
            nonlocal said
            said += capsys.readouterr().err
            return said.count("redis cannot be started") > 1

        os.kill(child("redis"), signal.SIGKILL)
        await until(was_tried_twice)
        assert "redis was killed (SIGKILL)" in said
        in_the_way.rmdir()
        async with asyncio.timeout(30):
            while not await listens(plan.port):  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.05)


@pytest.mark.skipif(real_server() is None, reason="needs a redis-server on the machine")
async def test_signal_of_redis_server_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    running = Supervisor([ProcessPlan("redis", port, {"REDIS_PORT": str(port)}, None)], tmp_path)
    try:
        await running.start()
        (server,) = (each.pid for each in all_processes().values() if each.parent == child("redis"))
        os.kill(server, signal.SIGKILL)
        said = ""

        def was_reported() -> bool:
            nonlocal said
            said += capsys.readouterr().err
            return "starting it again" in said

        await until(was_reported)
        assert said == "redis was killed (SIGKILL); starting it again\n"
    finally:
        await running.stop()


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "ended with 0"), (-signal.SIGSEGV, "was killed (SIGSEGV)"), (-40, "was killed (signal 40)")],
)
def test_signals_are_named(code: int, text: str) -> None:
    assert how_it_ended(code) == text


async def test_failed_start_shows_its_own_log_lines(tmp_path: Path) -> None:
    (tmp_path / "redis.log").write_text("of the run before\n")
    (port,) = free_ports(1)
    running = Supervisor([ProcessPlan("redis", port, {"REDIS_PORT": "loud"}, None)], tmp_path)
    with pytest.raises(StartError, match="redis ended while starting") as failure:
        await running.start()
    await running.stop()
    assert "invalid literal for int() with base 10: 'loud'" in str(failure.value)
    assert "of the run before" not in str(failure.value)


async def test_log_is_truncated_while_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "CHECK_LOGS_SECONDS", 0.02)
    async with supervised(tmp_path):
        log, before = tmp_path / "redis.log", tmp_path / "redis.log.1"
        with log.open("ab") as written:
            written.write(b"x" * 100)
            written.flush()
            monkeypatch.setattr(log_files, "LARGEST_BYTES", 99)
            await until(lambda: log.stat().st_size == 0)
            assert before.read_bytes().endswith(b"x" * 100)
            written.write(b"later")
            written.flush()
            assert log.read_bytes() == b"later"


def test_loopback_and_excepted_hosts_bypass_the_proxy() -> None:
    plan = ProcessPlan("song", 1, {"PORT": "1"}, None)
    variables = child_environment({"no_proxy": "intranet.example", "PORT": "2"}, plan)
    assert variables["no_proxy"] == variables["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"
    assert variables["PORT"] == "1"


def test_restart_pause_doubles_until_stable() -> None:
    pause = RestartPause()
    assert [pause.after(5) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert [pause.after(60), pause.after(59), pause.after(3600)] == [1, 2, 1]
