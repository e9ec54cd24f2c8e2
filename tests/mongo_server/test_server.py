"""The built server's life: what a restart, a crash and its absence look like to a client."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pymongo
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import ConnectionFailure, DuplicateKeyError, NetworkTimeout, ServerSelectionTimeoutError

from tests.mongo_server import server

pytestmark = [pytest.mark.mongo, pytest.mark.usefixtures("built_mongo_server")]


@pytest.fixture
def connect() -> Iterator[Callable[..., Any]]:
    """Makes clients, which are closed when the test has ended."""
    with ExitStack() as clients:

        def made(running: server.MongoServer) -> Any:
            client: Any = AsyncIOMotorClient(running.uri)
            clients.callback(client.close)
            return client

        yield made


async def test_documents_and_indexes_survive_a_restart(tmp_path: Path, connect: Callable[..., Any]) -> None:
    with server.start(tmp_path) as running:
        users = connect(running).users_db.users
        await users.create_index("email", unique=True)
        await users.insert_many({"_id": n, "email": n} for n in range(200))
    with server.start(tmp_path, running.port):
        assert await users.count_documents({}) == 200
        with pytest.raises(DuplicateKeyError):
            await users.insert_one({"email": 7})


async def test_client_reconnects_after_a_crash(tmp_path: Path, connect: Callable[..., Any]) -> None:
    with server.start(tmp_path) as running:
        songs = connect(running).songs_db.songs
        await songs.insert_one({"_id": 1})
        running.kill()
        with pytest.raises(ConnectionFailure), pymongo.timeout(1):
            await songs.find_one({"_id": 1})
        with pytest.raises(ServerSelectionTimeoutError), pymongo.timeout(1):
            await songs.insert_one({"_id": 2})
    with server.start(tmp_path, running.port):
        await songs.insert_one({"_id": 3})
        assert await songs.count_documents({"_id": 3}) == 1


async def test_hanging_server_is_a_network_timeout(tmp_path: Path, connect: Callable[..., Any]) -> None:
    with server.start(tmp_path) as running:
        songs = connect(running).songs_db.songs
        await songs.insert_one({"_id": 1})
        os.kill(running.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(NetworkTimeout), pymongo.timeout(0.4):
                await songs.find_one({"_id": 1})
        finally:
            os.kill(running.process.pid, signal.SIGCONT)


def test_server_ends_with_its_parent_process(tmp_path: Path) -> None:
    starter = (
        "import os, sys, pathlib\n"
        "from tests.mongo_server import server\n"
        "with server.start(pathlib.Path(sys.argv[1])) as running:\n"
        "    print(running.uri, flush=True)\n"
        "    os._exit(0)\n"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", starter, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    host, port = ended.stdout.strip().removeprefix("mongodb://").rstrip("/").split(":")
    assert host == "127.0.0.1"
    assert stops_listening(int(port))


def stops_listening(port: int) -> bool:
    """Whether the port is closed within thirty seconds. Asked of the port: an orphan may stay as a zombie."""
    for _ in range(300):
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) != 0:
                return True
        time.sleep(0.1)
    return False


def test_failed_server_start_states_the_reason(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with server.start(tmp_path) as running:
        second = server.start(other, running.port)
        with pytest.raises(server.MongoServerStartError, match=r"cannot serve: .*Address already in use"):
            second.__enter__()
