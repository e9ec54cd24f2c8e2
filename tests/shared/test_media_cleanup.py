"""The cleanup journal: media without a document are removed, whatever fails."""

import asyncio
from datetime import timedelta

import pytest

from shared.clock import now
from shared.errors import UnavailableError
from shared.media import cleanup as media_cleanup
from tests.shared.journal_world import AUDIO, COVER, World, nothing
from tests.shared.media import DOWN

HOUR = timedelta(hours=1)


async def test_uncommitted_media_are_removed_when_due() -> None:
    """As after the death of the process between storing the media and storing their document."""
    world = World(COVER, AUDIO)
    async with world.journal.uploading([COVER, AUDIO]):
        assert await world.journal.process_due_entries() == 0
    assert await world.journal.process_due_entries() == 0
    assert world.store.media == {COVER, AUDIO}
    world.entries.fall_due()
    assert await world.journal.process_due_entries() == 2
    assert (world.store.media, world.entries.due_at) == (set(), {})


async def test_document_of_unfinished_upload_is_rolled_back() -> None:
    """As when the process died between storing the document and taking the entry back."""
    world = World(COVER, AUDIO)
    await world.entries.plan([COVER, AUDIO], now(), unfinished=True)
    world.used = {COVER, AUDIO}
    assert await world.journal.process_due_entries() == 2
    assert (world.used, world.store.media, world.entries.due_at) == (set(), set(), {})


async def test_failed_rollback_keeps_media_and_entries() -> None:
    world = World(COVER)
    await world.entries.plan([COVER], now(), unfinished=True)
    world.used, world.is_stuck = {COVER}, True
    with pytest.raises(UnavailableError):
        await world.journal.process_due_entries()
    assert (world.store.media, set(world.entries.due_at)) == ({COVER}, {COVER})
    world.is_stuck = False
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert (world.used, world.store.media, world.entries.due_at) == (set(), set(), {})


async def test_media_in_use_are_kept() -> None:
    """As when the process died between the journal entry and the removal of the document."""
    world = World(COVER)
    world.used = {COVER}
    await world.journal.begin_removal([COVER])
    world.entries.fall_due()
    assert await world.journal.process_due_entries() == 1
    assert (world.store.media, world.entries.due_at) == ({COVER}, {})


async def test_removal_during_processing_still_removes_media() -> None:
    """The first removal failed after its entry, and the second one finds the store down."""
    world = World(COVER)
    world.used = {COVER}
    await world.journal.begin_removal([COVER])
    world.entries.fall_due()

    async def remove() -> None:
        await world.journal.begin_removal([COVER])
        world.used.clear()
        world.store.is_down = True
        await world.journal.discard([COVER])

    world.meanwhile = remove
    await world.journal.process_due_entries()
    world.meanwhile, world.store.is_down = nothing, False
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert (world.store.media, world.entries.due_at) == (set(), {})


@pytest.mark.parametrize("store_is_down", [False, True])
async def test_late_document_during_processing_is_rolled_back(
    store_is_down: bool,
) -> None:
    """Its upload failed and was journaled again meanwhile."""
    world = World(COVER)
    await world.entries.plan([COVER], now(), unfinished=True)
    world.store.is_down = store_is_down

    async def land() -> None:
        await world.entries.plan([COVER], now() + HOUR, unfinished=True)
        world.used = {COVER}

    world.meanwhile = land
    await world.journal.process_due_entries()
    world.meanwhile, world.store.is_down = nothing, False
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert (world.used, world.store.media, world.entries.due_at) == (set(), set(), {})


async def test_finished_upload_leaves_no_journal_entry() -> None:
    world = World(COVER, AUDIO)
    async with world.journal.uploading([COVER, AUDIO]):
        assert world.entries.kept == {COVER, AUDIO}
    async with world.journal.committing([COVER, AUDIO]):
        world.used = {COVER, AUDIO}
        assert world.entries.kept == {COVER, AUDIO}
    assert world.entries.due_at == {}
    assert world.used == world.store.media == {COVER, AUDIO}


@pytest.mark.parametrize("failure", [DOWN, ValueError("bug")], ids=repr)
async def test_failed_commit_is_rolled_back_at_once(failure: Exception) -> None:
    world = World(COVER, AUDIO)
    await world.finish_and_fail(COVER, AUDIO, failure=failure)
    assert (world.used, world.store.media) == (set(), set())


async def test_commit_fails_after_rollback_by_another_replica() -> None:
    """As with a clock that is minutes ahead: the first of commit and rollback wins."""
    world = World(COVER)

    async def finish() -> None:
        async with world.journal.committing([COVER]):
            world.used = {COVER}
            world.entries.fall_due()
            await world.journal.process_due_entries()

    with pytest.raises(UnavailableError):
        await finish()
    assert (world.used, world.store.media) == (set(), set())


async def test_commit_timeout_rolls_the_upload_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media_cleanup, "COMMIT_TIMEOUT_SECONDS", 0.01)
    world = World(COVER)

    async def finish() -> None:
        async with world.journal.committing([COVER]):
            world.used = {COVER}
            await asyncio.Event().wait()

    with pytest.raises(UnavailableError):
        await finish()
    assert (world.used, world.store.media) == (set(), set())


async def test_late_document_after_rollback_is_removed() -> None:
    world = World(COVER)
    await world.finish_and_fail(COVER)
    world.used = {COVER}
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert (world.used, world.entries.due_at) == (set(), {})


async def test_upload_is_rolled_back_without_journal_confirmation() -> None:
    """Otherwise the worker would remove it after the caller got a success."""
    world = World(COVER)

    async def finish() -> None:
        async with world.journal.committing([COVER]):
            world.used = {COVER}
            world.entries.is_down = True

    with pytest.raises(UnavailableError):
        await finish()
    assert (world.used, world.store.media) == (set(), set())


async def test_rollback_is_retried_after_a_database_outage() -> None:
    """The entry was deleted, and the response was lost."""
    world = World(COVER)

    async def finish() -> None:
        async with world.journal.committing([COVER]):
            world.used = {COVER}
            world.entries.due_at.clear()
            world.entries.is_down = world.is_stuck = True

    with pytest.raises(UnavailableError):
        await finish()
    with pytest.raises(UnavailableError):
        await world.journal.process_due_entries()
    assert (world.used, world.store.media) == ({COVER}, {COVER})
    world.entries.is_down = world.is_stuck = False
    await world.journal.process_due_entries()
    assert (world.used, world.store.media, world.entries.due_at) == (set(), set(), {})


async def test_removal_succeeds_without_journal_confirmation() -> None:
    world = World(COVER)
    await world.journal.begin_removal([COVER])
    world.entries.is_down = True
    await world.journal.discard([COVER])
    assert (world.store.media, world.entries.kept) == (set(), {COVER})


async def test_discarded_media_are_removed_at_once() -> None:
    world = World(COVER, AUDIO)
    await world.journal.begin_removal([COVER, AUDIO])
    await world.journal.discard([COVER, AUDIO])
    assert (world.store.media, world.entries.due_at) == (set(), {})


async def test_failed_discard_is_retried_later() -> None:
    world = World(COVER, AUDIO)
    await world.journal.begin_removal([COVER, AUDIO])
    world.store.is_down = True
    await world.journal.discard([COVER, AUDIO])
    assert max(world.entries.due_at.values()) < now() + timedelta(minutes=1)
    world.store.is_down = False
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert (world.store.media, world.entries.due_at) == (set(), {})


async def test_discard_does_not_wait_for_hanging_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_cleanup, "REMOVAL_TIMEOUT_SECONDS", 0.01)
    world = World(COVER, AUDIO)
    world.store.hangs = True
    async with asyncio.timeout(30):
        await world.journal.discard([COVER, AUDIO])
    assert set(world.entries.due_at) == {COVER, AUDIO}


@pytest.mark.parametrize("store_is_down", [False, True])
async def test_media_arriving_after_failed_upload_are_removed(store_is_down: bool) -> None:
    """A request that ran out of time may yet succeed, after the removal found nothing to remove."""
    world = World(COVER)
    world.store.is_down = store_is_down
    await world.store_and_fail(COVER, AUDIO)
    assert world.store.media == ({COVER} if store_is_down else set())
    assert min(world.entries.due_at.values()) > now() + HOUR - timedelta(minutes=1)
    world.store.is_down = False
    world.store.media.add(AUDIO)
    world.entries.fall_due()
    await world.journal.process_due_entries()
    assert (world.store.media, world.entries.due_at) == (set(), {})


async def test_first_entry_survives_store_and_database_outage() -> None:
    world = World(COVER)

    async def upload() -> None:
        async with world.journal.uploading([COVER]):
            world.entries.is_down = world.store.is_down = True
            raise DOWN

    with pytest.raises(UnavailableError):
        await upload()
    assert set(world.entries.due_at) == {COVER}


async def test_failing_entry_does_not_stop_the_worker() -> None:
    world = World(COVER, AUDIO)
    world.store.broken = {COVER}
    await world.entries.plan([COVER], now())
    async with asyncio.timeout(30), world.journal.processing(poll_seconds=0.005):
        assert await world.store.requested.get() == COVER
        await world.entries.plan([AUDIO], now())
        assert await world.store.requested.get() == AUDIO
    assert world.store.media == {COVER}
