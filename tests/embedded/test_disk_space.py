"""A full disk is recognized, reported and explained."""

import asyncio
import errno
import sqlite3
from pathlib import Path

import pytest

from embedded import disk_space
from embedded.disk_space import advice, has_space, is_disk_full, watch
from tests.embedded.test_supervisor import until

MORE_THAN_ANY_DISK = 2**63


def test_errors_for_lack_of_space_are_recognized() -> None:
    with pytest.raises(sqlite3.OperationalError) as full:
        sqlite3.connect(":memory:").executescript("PRAGMA max_page_count = 1; CREATE TABLE notes (text TEXT)")
    assert is_disk_full(full.value)
    assert is_disk_full(OSError(errno.ENOSPC, "No space left on device"))
    assert not is_disk_full(OSError(errno.EACCES, "Permission denied"))
    assert not is_disk_full(sqlite3.OperationalError("no such table: notes"))


def test_advice_is_for_a_disk_with_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "LOW_BYTES", 0)
    assert advice(tmp_path / "data") == []
    monkeypatch.setattr(disk_space, "LOW_BYTES", MORE_THAN_ANY_DISK)
    (said,) = advice(tmp_path / "data")
    assert f"DATA_DIR {tmp_path / 'data'} is full or nearly so" in said
    assert "Free some space" in said


async def test_full_disk_is_reported_once_until_it_has_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(disk_space, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(disk_space, "LEAST_FREE_BYTES", MORE_THAN_ANY_DISK)
    watching = asyncio.create_task(watch(tmp_path))
    await asyncio.sleep(0.1)
    said = capsys.readouterr().err
    assert said == f"The disk of DATA_DIR {tmp_path} is full: changes fail until there is space\n"
    monkeypatch.setattr(disk_space, "LEAST_FREE_BYTES", 0)
    assert has_space(tmp_path)
    await until(lambda: capsys.readouterr().err == f"The disk of DATA_DIR {tmp_path} has space again\n")
    watching.cancel()
