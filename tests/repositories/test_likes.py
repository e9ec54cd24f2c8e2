"""The contract of `LikeRepository`."""

import asyncio
from datetime import timedelta

from shared.http.pagination import Cursor, Slice
from shared.ids import new_id
from song_service.domain import Like, LikeChange
from song_service.library_ports import LikeRepository
from tests.repositories.builders import NOON, minutes

ADA, BILL = "a" * 24, "b" * 24
SONG = "d" * 24
LEASE = timedelta(minutes=1)


async def claim(likes: LikeRepository, limit: int = 100) -> list[LikeChange]:
    return list(await likes.claim_unsynced(NOON + minutes(60), NOON + minutes(60) + LEASE, limit))


async def liked(likes: LikeRepository, user_id: str) -> list[str]:
    return [like.song_id for like in await likes.list(user_id, Slice(100))]


async def test_like_is_stored_once(likes: LikeRepository) -> None:
    assert await likes.like(ADA, SONG, NOON)
    assert not await likes.like(ADA, SONG, NOON + minutes(1))
    assert list(await likes.list(ADA, Slice(9))) == [Like(ADA, SONG, NOON)]


async def test_concurrent_likes_store_one(likes: LikeRepository) -> None:
    stored = await asyncio.gather(*(likes.like(ADA, SONG, NOON) for _ in range(12)))
    assert sorted(stored) == [False] * 11 + [True]
    assert await likes.count_unsynced() == 1


async def test_concurrent_unlikes_withdraw_one(likes: LikeRepository) -> None:
    await likes.like(ADA, SONG, NOON)
    withdrawn = await asyncio.gather(*(likes.unlike(ADA, SONG, NOON) for _ in range(12)))
    assert sorted(withdrawn) == [False] * 11 + [True]


async def test_concurrent_likes_and_unlikes_end_in_one_state(likes: LikeRepository) -> None:
    calls = [likes.like, likes.unlike] * 10
    await asyncio.gather(*(call(ADA, SONG, NOON) for call in calls))
    change = (await claim(likes))[-1:]
    assert await liked(likes, ADA) == ([SONG] if change and change[0].is_liked else [])


async def test_unlike_without_like_changes_nothing(likes: LikeRepository) -> None:
    assert not await likes.unlike(ADA, SONG, NOON)
    assert await likes.count_unsynced() == 0


async def test_unliked_song_leaves_the_list(likes: LikeRepository) -> None:
    await likes.like(ADA, SONG, NOON)
    await likes.like(BILL, SONG, NOON)
    assert await likes.unlike(ADA, SONG, NOON + minutes(1))
    assert await liked(likes, ADA) == []
    assert await liked(likes, BILL) == [SONG]
    assert await likes.liked_among(ADA, [SONG]) == set()
    assert await likes.like(ADA, SONG, NOON + minutes(2))
    assert list(await likes.list(ADA, Slice(9))) == [Like(ADA, SONG, NOON + minutes(2))]


async def test_pages_hold_every_like_once(likes: LikeRepository) -> None:
    made = [(NOON + minutes(number // 3), new_id()) for number in range(11)]
    for moment, song_id in reversed(made):
        await likes.like(ADA, song_id, moment)
        await likes.like(BILL, new_id(), moment)
    for limit in (1, 2, 4, 50):
        seen: list[tuple[object, str]] = []
        after: Cursor | None = None
        while found := await likes.list(ADA, Slice(limit, after)):
            assert len(found) <= limit
            seen += [(like.created_at, like.song_id) for like in found]
            after = Cursor.of(found[-1])
        assert seen == sorted(made, reverse=True)


async def test_liked_among_returns_only_own_likes(likes: LikeRepository) -> None:
    mine, others, neither = new_id(), new_id(), new_id()
    await likes.like(ADA, mine, NOON)
    await likes.like(BILL, others, NOON)
    assert await likes.liked_among(ADA, [mine, others, neither]) == {mine}
    assert await likes.liked_among(ADA, []) == set()


async def test_likes_are_counted_by_song_since(likes: LikeRepository) -> None:
    other = new_id()
    await likes.like(ADA, SONG, NOON)
    await likes.like(BILL, SONG, NOON + minutes(5))
    await likes.like(ADA, other, NOON)
    await likes.like(BILL, other, NOON)
    await likes.unlike(BILL, other, NOON)
    assert await likes.count_by_song([SONG, other], NOON) == {SONG: 2, other: 1}
    assert await likes.count_by_song([SONG, other], NOON + minutes(1)) == {SONG: 1}
    assert await likes.count_by_song([], NOON) == {}


async def test_latest_change_is_claimed_once(likes: LikeRepository) -> None:
    await likes.like(ADA, SONG, NOON)
    await likes.unlike(ADA, SONG, NOON + minutes(1))
    await likes.like(ADA, SONG, NOON + minutes(2))
    claimed = await claim(likes)
    assert [(each.is_liked, each.at) for each in claimed] == [(True, NOON + minutes(2))]
    assert await claim(likes) == []


async def test_oldest_changes_are_claimed_first(likes: LikeRepository) -> None:
    for number in (3, 1, 2, 0):
        await likes.like(ADA, f"{number:024x}", NOON + minutes(number))
    assert [each.song_id for each in await claim(likes, 3)] == [f"{n:024x}" for n in (0, 1, 2)]
    assert [each.song_id for each in await claim(likes, 3)] == [f"{3:024x}"]


async def test_workers_never_claim_the_same_like(likes: LikeRepository) -> None:
    for _ in range(20):
        await likes.like(ADA, new_id(), NOON)
    batches = await asyncio.gather(*(claim(likes, 7) for _ in range(5)))
    claimed = [each.song_id for batch in batches for each in batch]
    assert len(claimed) == len(set(claimed))


async def test_synced_like_is_not_claimed_again(likes: LikeRepository) -> None:
    await likes.like(ADA, SONG, NOON)
    await likes.mark_synced(await claim(likes))
    assert await likes.count_unsynced() == 0
    assert list(await likes.claim_unsynced(NOON + minutes(99), NOON + minutes(100), 9)) == []
    assert await liked(likes, ADA) == [SONG]


async def test_unlike_in_flight_waits_for_the_like(likes: LikeRepository) -> None:
    """Both in flight at once could reach the engine in the wrong order."""
    await likes.like(ADA, SONG, NOON)
    first = await claim(likes)
    await likes.unlike(ADA, SONG, NOON + minutes(1))
    assert await claim(likes) == []
    await likes.mark_synced(first)
    second = await claim(likes)
    assert [each.is_liked for each in second] == [False]
    await likes.mark_synced(second)
    assert await likes.count_unsynced() == 0


async def test_late_report_keeps_newer_change_unsynced(likes: LikeRepository) -> None:
    await likes.like(ADA, SONG, NOON)
    first = await claim(likes)
    await likes.unlike(ADA, SONG, NOON + minutes(1))
    second = await likes.claim_unsynced(NOON + minutes(90), NOON + minutes(91), 9)
    await likes.mark_synced(first)
    assert await likes.count_unsynced() == 1
    assert await claim(likes) == [], "the newer change is still in flight"
    await likes.mark_synced(second)
    assert await likes.count_unsynced() == 0


async def test_like_after_synced_unlike_is_sent_again(likes: LikeRepository) -> None:
    await likes.like(ADA, SONG, NOON)
    await likes.unlike(ADA, SONG, NOON)
    await likes.mark_synced(await claim(likes))
    assert await likes.like(ADA, SONG, NOON + minutes(3))
    assert [each.is_liked for each in await claim(likes)] == [True]


async def test_likes_of_removed_song_and_user_are_deleted(likes: LikeRepository) -> None:
    kept, gone = new_id(), new_id()
    for user_id in (ADA, BILL):
        await likes.like(user_id, kept, NOON)
        await likes.like(user_id, gone, NOON)
    await likes.remove_of_song(gone)
    assert await liked(likes, ADA) == [kept]
    await likes.remove_of_user(ADA)
    assert await liked(likes, ADA) == []
    assert await liked(likes, BILL) == [kept]
    assert await likes.count_unsynced() == 1
