"""The contract of `AuditRepository`, and what an `AuditTrail` leaves there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.audit import KEPT, AuditEntry, AuditRepository, AuditTrail, Fields
from shared.clock import now
from shared.errors import UnavailableError
from shared.http.pagination import Cursor, Slice
from shared.ids import new_id
from song_service.domain import SongNotFoundError

ALL = Slice(100)


def an_entry(target_id: str = "b" * 24, age: timedelta = timedelta(0)) -> AuditEntry:
    before: Fields = {"isVisible": True, "genre": None}
    after: Fields = {"isVisible": False, "genre": "Jazz", "songIds": ["s1"]}
    return AuditEntry(new_id(), now() - age, "a" * 24, "song.visible", target_id, before, after)


def a_caller(role: Role) -> Caller:
    return Caller("c" * 24, "user_clerk", "Ada", role, is_blocked=False, token="")


async def test_entries_are_listed_newest_first(audit: AuditRepository) -> None:
    older, newer = an_entry(age=timedelta(minutes=1)), an_entry()
    await audit.add(older)
    await audit.add(newer)
    assert list(await audit.list(None, ALL)) == [newer, older]


async def test_entries_are_paged(audit: AuditRepository) -> None:
    entries = [an_entry(age=timedelta(minutes=age)) for age in range(5)]
    for entry in entries:
        await audit.add(entry)
    assert list(await audit.list(None, Slice(2, Cursor.of(entries[1])))) == entries[2:4]


async def test_entries_are_filtered_by_target(audit: AuditRepository) -> None:
    wanted, other = an_entry("d" * 24), an_entry("e" * 24)
    await audit.add(wanted)
    await audit.add(other)
    assert list(await audit.list("d" * 24, ALL)) == [wanted]
    assert list(await audit.list("f" * 24, ALL)) == []
    assert [await audit.count(target) for target in (None, "d" * 24, "f" * 24)] == [2, 1, 0]


async def test_entries_expire_after_400_days(audit: AuditRepository) -> None:
    kept = an_entry(age=KEPT - timedelta(hours=1))
    await audit.add(an_entry(age=KEPT + timedelta(hours=1)))
    await audit.add(kept)
    assert list(await audit.list(None, ALL)) == [kept]
    assert await audit.count(None) == 1


async def test_entry_is_completed(audit: AuditRepository) -> None:
    entry = an_entry()
    await audit.add(replace(entry, after=None))
    await audit.complete(entry.id, {"isVisible": False, "genre": "Jazz", "songIds": ["s1"]})
    assert list(await audit.list(None, ALL)) == [entry]


async def test_admin_change_is_recorded(audit: AuditRepository) -> None:
    admin = a_caller(Role.ADMIN)
    async with AuditTrail(audit).of_admin(admin, "song.visible", "b" * 24, {"isVisible": True}) as record:
        assert len(await audit.list(None, ALL)) == 1
        record.after = {"isVisible": False}
    (entry,) = await audit.list(None, ALL)
    assert (entry.actor_id, entry.action, entry.target_id) == (admin.id, "song.visible", "b" * 24)
    assert (entry.before, entry.after) == ({"isVisible": True}, {"isVisible": False})


async def test_artist_change_is_not_recorded(audit: AuditRepository) -> None:
    async with AuditTrail(audit).of_admin(a_caller(Role.ARTIST), "song.change", "b" * 24) as record:
        record.after = {"title": "New"}
    assert list(await audit.list(None, ALL)) == []


async def test_refused_change_is_not_recorded(audit: AuditRepository) -> None:
    with pytest.raises(SongNotFoundError):
        async with AuditTrail(audit).of_admin(a_caller(Role.ADMIN), "song.delete", "b" * 24):
            raise SongNotFoundError
    assert list(await audit.list(None, ALL)) == []


async def test_change_with_unknown_outcome_stays_recorded(audit: AuditRepository) -> None:
    with pytest.raises(UnavailableError):
        async with AuditTrail(audit).of_admin(a_caller(Role.ADMIN), "song.delete", "b" * 24):
            raise UnavailableError("The database is too slow now")
    (entry,) = await audit.list(None, ALL)
    assert entry.after is None
