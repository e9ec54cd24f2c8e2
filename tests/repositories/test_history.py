"""The contract of `HistoryRepository`."""

from shared.http.pagination import Cursor, Slice
from shared.ids import new_id
from song_service.domain import Interaction, InteractionKind, Play
from song_service.library_ports import HistoryRepository
from song_service.ports import InteractionRepository
from tests.repositories.builders import NOON, an_interaction, minutes

ADA, BILL = "a" * 24, "b" * 24
SONG, OTHER = "c" * 24, "d" * 24
ALL = Slice(100)


async def test_history_holds_own_plays_newest_first(
    history: HistoryRepository, interactions: InteractionRepository
) -> None:
    plays = [an_interaction(user_id=ADA, at=NOON + minutes(number // 2)) for number in range(7)]
    for play in plays:
        await interactions.add(play)
    await interactions.add(an_interaction(user_id=BILL))
    await interactions.add(an_interaction(user_id=ADA, kind=InteractionKind.COMPLETE))
    newest_first = sorted(plays, key=lambda play: (play.at, play.id), reverse=True)
    expected = [Play(play.id, play.song_id, play.at) for play in newest_first]
    assert list(await history.plays(ADA, ALL)) == expected
    for limit in (1, 2, 3):
        seen: list[Play] = []
        after: Cursor | None = None
        while found := await history.plays(ADA, Slice(limit, after)):
            seen += found
            after = Cursor.of(found[-1])
        assert seen == expected


async def test_interactions_are_those_of_songs_and_time(
    history: HistoryRepository, interactions: InteractionRepository
) -> None:
    inside = [
        an_interaction(user_id=ADA, song_id=SONG, kind=kind, at=NOON + minutes(number))
        for number, kind in enumerate(InteractionKind)
    ]
    outside = [
        an_interaction(user_id=BILL, song_id=SONG, at=NOON),
        an_interaction(user_id=ADA, song_id=OTHER, at=NOON),
        an_interaction(user_id=ADA, song_id=SONG, at=NOON - minutes(1)),
        an_interaction(user_id=ADA, song_id=SONG, at=NOON + minutes(3)),
    ]
    for each in inside + outside:
        await interactions.add(each)
    found = await history.interactions(ADA, [SONG], NOON, NOON + minutes(2))
    assert sorted(found, key=lambda each: each.at) == inside


async def test_plays_are_counted_by_song(
    history: HistoryRepository, interactions: InteractionRepository
) -> None:
    for song_id in (SONG, SONG, OTHER):
        await interactions.add(an_interaction(user_id=ADA, song_id=song_id))
    await interactions.add(an_interaction(user_id=ADA, song_id=SONG, kind=InteractionKind.SKIP))
    await interactions.add(an_interaction(user_id=BILL, song_id=SONG))
    assert await history.count_by_song(ADA) == {SONG: 2, OTHER: 1}


async def test_cleared_history_shows_only_later_plays(
    history: HistoryRepository, interactions: InteractionRepository
) -> None:
    for user_id in (ADA, BILL):
        for number in range(3):
            await interactions.add(an_interaction(user_id=user_id, song_id=SONG, at=NOON + minutes(number)))
    await history.clear(ADA, NOON + minutes(1))
    assert [play.created_at for play in await history.plays(ADA, ALL)] == [NOON + minutes(2)]
    assert await history.count_by_song(ADA) == {SONG: 1}
    assert await history.count_by_song(BILL) == {SONG: 3}
    await history.clear(ADA, NOON)
    assert len(await history.plays(ADA, ALL)) == 1, "an earlier moment brings nothing back"


async def test_interactions_of_a_kind_outlive_clearing(
    history: HistoryRepository, interactions: InteractionRepository
) -> None:
    skips = [
        an_interaction(user_id=ADA, kind=InteractionKind.SKIP, at=NOON + minutes(number // 2))
        for number in range(5)
    ]
    for each in skips:
        await interactions.add(each)
    await interactions.add(an_interaction(user_id=BILL, kind=InteractionKind.SKIP))
    await interactions.add(an_interaction(user_id=ADA))
    await history.clear(ADA, NOON + minutes(1))
    newest_first = sorted(skips, key=lambda each: (each.at, each.id), reverse=True)
    seen: list[Interaction] = []
    after: Cursor | None = None
    while found := await history.of_kind(ADA, InteractionKind.SKIP, Slice(2, after)):
        seen += found
        after = Cursor.of(found[-1])
    assert seen == newest_first
    assert await history.of_kind(ADA, InteractionKind.COMPLETE, ALL) == []


async def test_moment_of_clearing_is_kept(history: HistoryRepository) -> None:
    assert await history.cleared_at(ADA) is None
    await history.clear(ADA, NOON)
    await history.clear(ADA, NOON - minutes(1))
    assert await history.cleared_at(ADA) == NOON
    assert await history.cleared_at(BILL) is None
    await history.remove_of_user(ADA)
    assert await history.cleared_at(ADA) is None


async def test_removed_listener_leaves_no_interactions(
    history: HistoryRepository, interactions: InteractionRepository
) -> None:
    await interactions.add(an_interaction(user_id=ADA))
    await interactions.add(an_interaction(user_id=BILL, song_id=new_id()))
    await history.clear(ADA, NOON - minutes(1))
    await history.remove_of_user(ADA)
    assert await history.plays(ADA, ALL) == []
    assert len(await history.plays(BILL, ALL)) == 1
