"""Real Redis servers for tests: one, a cluster of three, or a master behind a Sentinel."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.system.running import free_ports

SLOTS = 16384
_UNTIL_UP = Retry(ConstantBackoff(0.05), 400)


@contextmanager
def redis_server(folder: Path, port: int, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The process of an empty redis-server that keeps nothing on disk; it responds."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        server,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            with Redis("127.0.0.1", port, retry=_UNTIL_UP) as redis:
                redis.ping()
            yield process
        finally:
            process.kill()


@contextmanager
def redis_on_a_free_port(folder: Path) -> Iterator[int]:
    """The port of such a server."""
    (port,) = free_ports(1)
    with redis_server(folder, port):
        yield port


def _until(port: int, *command: str, holds: str) -> None:
    last_moment = time.monotonic() + 60
    with Redis("127.0.0.1", port, retry=_UNTIL_UP) as redis:
        while holds not in str(redis.execute_command(*command)):
            assert time.monotonic() < last_moment, f"{command} does not say {holds}"
            time.sleep(0.05)


@contextmanager
def redis_cluster(folder: Path) -> Iterator[Sequence[tuple[int, "subprocess.Popen[bytes]"]]]:
    """The ports and processes of three primaries, which share the slots."""
    ports = free_ports(6)
    nodes, buses = ports[:3], ports[3:]
    with ExitStack() as stack:
        processes = []
        for port, bus in zip(nodes, buses, strict=True):
            options = [
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                str(bus),
                "--cluster-node-timeout",
                "2000",
            ]
            processes.append(stack.enter_context(redis_server(folder / str(port), port, *options)))
        for number, port in enumerate(nodes):
            with Redis("127.0.0.1", port) as redis:
                first, last = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
                redis.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
                redis.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        with Redis("127.0.0.1", nodes[0]) as redis:
            for port, bus in zip(nodes[1:], buses[1:], strict=True):
                redis.execute_command("CLUSTER MEET", "127.0.0.1", port, bus)
        for port in nodes:
            _until(port, "CLUSTER INFO", holds="'cluster_known_nodes': '3'")
            _until(port, "CLUSTER INFO", holds="'cluster_state': 'ok'")
        yield list(zip(nodes, processes, strict=True))


@contextmanager
def redis_behind_sentinel(folder: Path, name: str) -> Iterator[int]:
    """The port of a Sentinel that watches a master called `name`."""
    port, sentinel = free_ports(2)
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "sentinel.conf"
    configuration.write_text(f"sentinel monitor {name} 127.0.0.1 {port} 1\n")
    server = shutil.which("redis-server")
    with redis_server(folder / "master", port):
        command = [
            str(server),
            str(configuration),
            "--sentinel",
            "--port",
            str(sentinel),
            "--bind",
            "127.0.0.1",
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                _until(sentinel, "PING", holds="")
                yield sentinel
            finally:
                process.kill()
