"""What the local Recombee still knows after it was stopped, or killed."""

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
from embedded.cloud.recombee import DATABASE_FILE, Recombee
from embedded.cloud.recombee_store import RecombeeStore
from tests.cloud.recombee_service import RecombeeService, client_of, running_recombee, settings_in

START_SECONDS = 20.0
SERVE = """
import sys
from pathlib import Path
import uvicorn
from tests.cloud.recombee_service import app_of, settings_in
app = app_of(settings_in(Path(sys.argv[1]), token=sys.argv[2]))
uvicorn.run(app, fd=int(sys.argv[3]), log_level="warning")
"""


def test_everything_is_still_there_after_a_restart(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with running_recombee(settings) as recombee:
        recombee.send(AddItemProperty("genre", "string"))
        recombee.send(SetItemValues("song", {"genre": "Rock"}, cascade_create=True))
        recombee.send(AddPurchase("ann", "song", timestamp=5, cascade_create=True))
    with running_recombee(settings) as recombee:
        assert recombee.send(GetItemValues("song")) == {"genre": "Rock"}
        assert recombee.status(AddPurchase("ann", "song", timestamp=5)) == 409
        assert recombee.recommended(RecommendItemsToUser("ann", 5)) == ["song"]


def test_what_was_answered_survives_a_killed_process(tmp_path: Path) -> None:
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
        wait_until_answered(recombee)
        codes = [
            answer["code"]
            for number in range(5)
            for answer in recombee.batch(
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


def wait_until_answered(recombee: RecombeeService) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            recombee.send(ListItems())
        except Refused:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
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


def add_twice(store: RecombeeStore) -> None:
    with store.transaction():
        store.add("items", "song")
        store.add("items", "song")


async def test_a_file_of_another_version_is_not_opened(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / DATABASE_FILE)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(UnknownSchemaError):
        async with Recombee(settings_in(tmp_path)):
            pass
