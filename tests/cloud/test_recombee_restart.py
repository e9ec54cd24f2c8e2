"""Durability of the local Recombee after a restart or a kill."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recombee_api_client.api_requests import (
    AddItemProperty,
    AddPurchase,
    GetItemValues,
    ListItems,
    ListUserPurchases,
    RecommendItemsToUser,
    SetItemValues,
)
from requests.exceptions import ConnectionError as Refused

from embedded.cloud.database import UnknownSchemaError
from embedded.cloud.recombee.app import DATABASE_FILE, Recombee
from embedded.cloud.recombee.listening import Signal
from embedded.cloud.recombee.recommender import Recommender
from embedded.cloud.recombee.requests import RecombeeRequests
from embedded.cloud.recombee.store import Interaction, RecombeeStore
from tests.cloud.recombee_service import RecombeeService, client_of, running_recombee, settings_in

START_SECONDS = 60.0
SERVE = """
import sys
from pathlib import Path
import uvicorn
from embedded.cloud.recombee.recommender import Recommender
from tests.cloud.recombee_service import app_of, settings_in
app = app_of(settings_in(Path(sys.argv[1]), token=sys.argv[2]))
uvicorn.run(app, fd=int(sys.argv[3]), log_level="warning")
"""


def test_data_survive_a_restart(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with running_recombee(settings) as recombee:
        recombee.send(AddItemProperty("genre", "string"))
        recombee.send(SetItemValues("song", {"genre": "Rock"}, cascade_create=True))
        recombee.send(AddPurchase("ann", "song", timestamp=5, cascade_create=True))
    with running_recombee(settings) as recombee:
        assert recombee.send(GetItemValues("song")) == {"genre": "Rock"}
        assert recombee.status(AddPurchase("ann", "song", timestamp=5)) == 409
        assert recombee.recommended(RecommendItemsToUser("ann", 5)) == ["song"]


def test_acknowledged_data_survive_a_kill(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        server = subprocess.Popen(
            [
                sys.executable,
                "-c",
                SERVE,
                str(tmp_path),
                settings.recombee_private_token,
                str(listener.fileno()),
            ],
            pass_fds=[listener.fileno()],
            cwd=Path(__file__).parents[2],
        )
    recombee = RecombeeService(host, settings, client_of(host, settings))
    try:
        wait_until_up(recombee)
        codes = [
            response["code"]
            for number in range(5)
            for response in recombee.batch(
                *(
                    AddPurchase("ann", f"song-{number}-{n}", timestamp=n, cascade_create=True)
                    for n in range(20)
                )
            )
        ]
        assert codes == [200] * 100
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait(START_SECONDS)
    with running_recombee(settings) as again:
        assert len(again.send(ListUserPurchases("ann"))) == 100
        assert len(again.send(ListItems())) == 100


def wait_until_up(recombee: RecombeeService) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            recombee.send(ListItems())
        except Refused:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = RecombeeStore(tmp_path / DATABASE_FILE)
    try:
        before = store.catalogue_version, store.erasures
        with pytest.raises(sqlite3.IntegrityError):
            add_twice(store)
        assert store.find("items", "song") is None
        assert store.catalogue_version != before[0]
        assert store.erasures != before[1]
    finally:
        store.close()


class FullDisk(RecombeeStore):
    """Takes two interactions and no more."""

    room = 2

    def add_interaction(self, interaction: Interaction) -> bool:
        if self.room == 0:
            raise sqlite3.OperationalError("database or disk is full")
        self.room -= 1
        return super().add_interaction(interaction)


def test_batch_is_atomic(tmp_path: Path) -> None:
    store = FullDisk(tmp_path / DATABASE_FILE)
    try:
        requests = RecombeeRequests(store, Recommender(store))
        play = {"userId": "ann", "itemId": "song", "cascadeCreate": True}
        batch = {"requests": [{"method": "POST", "path": "/detailviews/", "params": play}] * 3}
        with pytest.raises(sqlite3.OperationalError):
            requests.respond("POST", "/batch/", batch)
        assert store.find("users", "ann") is None
        assert len(store.listening(after=0)[0]) == 0
    finally:
        store.close()


def test_removed_user_leaves_no_rows(tmp_path: Path) -> None:
    store = RecombeeStore(tmp_path / DATABASE_FILE)
    try:
        with store.transaction():
            song = store.add("items", "song")
            listeners = [store.add("users", name) for name in ("ann", "ben")]
            for listener in listeners:
                store.add_interaction(Interaction(listener, song, Signal.PURCHASE, 0.0, 5.0, {}))
        with store.transaction():
            store.remove(listeners[0])
        assert store.listening(after=0)[0].listener.tolist() == [listeners[1]]
    finally:
        store.close()


def add_twice(store: RecombeeStore) -> None:
    with store.transaction():
        store.add("items", "song")
        store.add("items", "song")


async def test_file_of_another_version_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / DATABASE_FILE)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(UnknownSchemaError):
        async with Recombee(settings_in(tmp_path)):
            pass
