"""The contract of `InteractionRepository`."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.ids import new_id
from song_service.domain import Earlier, Interaction, InteractionKind
from song_service.ports import InteractionRepository
from tests.repositories.builders import NOON, an_interaction, minutes

LEASE = timedelta(minutes=1)
MANY = 100


async def claim(interactions: InteractionRepository, limit: int = MANY) -> list[Interaction]:
    return list(await interactions.claim_unsynced(NOON, NOON + LEASE, limit))


async def add_played(interactions: InteractionRepository, song_id: str, *kinds: InteractionKind) -> None:
    for kind in kinds:
        assert await interactions.add(an_interaction(song_id=song_id, kind=kind))


async def test_interaction_is_returned_as_stored(interactions: InteractionRepository) -> None:
    for kind in InteractionKind:
        assert await interactions.add(an_interaction(kind=kind, dedup_key=f"雅 {kind}"))
    claimed = await claim(interactions)
    assert {interaction.kind for interaction in claimed} == set(InteractionKind)
    one = next(interaction for interaction in claimed if interaction.kind is InteractionKind.SKIP)
    assert one == replace(
        an_interaction(kind=InteractionKind.SKIP), id=one.id, dedup_key=f"雅 {InteractionKind.SKIP}"
    )


async def test_duplicate_key_is_stored_once(interactions: InteractionRepository) -> None:
    first = an_interaction(dedup_key="ada played blue")
    assert await interactions.add(first)
    assert not await interactions.add(an_interaction(dedup_key="ada played blue", user_id=new_id()))
    assert await claim(interactions) == [first]


async def test_concurrent_duplicates_store_one(interactions: InteractionRepository) -> None:
    stored = await asyncio.gather(*(interactions.add(an_interaction(dedup_key="same")) for _ in range(10)))
    assert sorted(stored) == [False] * 9 + [True]
    assert await interactions.count_unsynced() == 1


async def test_key_stays_taken_after_sync(interactions: InteractionRepository) -> None:
    await interactions.add(an_interaction(dedup_key="same"))
    await interactions.mark_synced(await claim(interactions))
    assert not await interactions.add(an_interaction(dedup_key="same"))
    assert await interactions.count_unsynced() == 0


@pytest.mark.parametrize(
    ("key", "since", "is_stored"),
    [("first", minutes(3), True), ("first", minutes(4), False), ("another", minutes(4), True)],
)
async def test_earlier_interaction_prevents_another(
    interactions: InteractionRepository, key: str, since: timedelta, is_stored: bool
) -> None:
    await interactions.add(an_interaction(dedup_key="first", at=NOON - minutes(3)))
    second = an_interaction(dedup_key="second", at=NOON)
    assert await interactions.add(second, Earlier(key, NOON - since)) is is_stored
    assert await interactions.count_unsynced() == 1 + is_stored


async def test_own_key_counts_beside_an_earlier_one(interactions: InteractionRepository) -> None:
    await interactions.add(an_interaction(dedup_key="same"))
    assert not await interactions.add(an_interaction(dedup_key="same"), Earlier("another", NOON))


async def test_move_sets_the_time_of_earlier_ones(interactions: InteractionRepository) -> None:
    early, late = an_interaction(dedup_key="early", at=NOON), an_interaction(dedup_key="late", at=NOON)
    later = replace(late, at=NOON + minutes(2))
    other = an_interaction(dedup_key="other", at=NOON)
    for each in (early, later, other):
        assert await interactions.add(each)
    moved = NOON + minutes(3)
    await interactions.move(["early", "late", "unknown"], NOON, moved)
    claimed = list(await interactions.claim_unsynced(moved, moved + LEASE, MANY))
    assert claimed == [other, later, replace(early, at=moved)]


async def test_oldest_interactions_are_claimed_first(interactions: InteractionRepository) -> None:
    made = [an_interaction(at=NOON - minutes(n // 2)) for n in range(6)]
    for interaction in made:
        await interactions.add(interaction)
    oldest_first = sorted(made, key=lambda interaction: (interaction.at, interaction.id))
    assert await claim(interactions, 4) == oldest_first[:4]
    assert await claim(interactions, 4) == oldest_first[4:]
    assert await claim(interactions, 4) == []


async def test_workers_never_claim_the_same_interaction(interactions: InteractionRepository) -> None:
    for _ in range(30):
        await interactions.add(an_interaction())
    batches = await asyncio.gather(*(claim(interactions, 10) for _ in range(6)))
    claimed = [interaction.id for batch in batches for interaction in batch]
    assert len(claimed) == len(set(claimed))
    rest = [interaction.id for interaction in await claim(interactions)]
    assert len({*claimed, *rest}) == len(claimed) + len(rest) == 30


async def test_unreported_interaction_is_claimable_after_its_lease(
    interactions: InteractionRepository,
) -> None:
    await interactions.add(an_interaction())
    first = await claim(interactions)
    end = NOON + LEASE
    assert not await interactions.claim_unsynced(end - timedelta(milliseconds=1), end + LEASE, MANY)
    assert await interactions.claim_unsynced(end, end + LEASE, MANY) == first


async def test_synced_interaction_is_never_claimed_again(interactions: InteractionRepository) -> None:
    for _ in range(3):
        await interactions.add(an_interaction())
    claimed = await claim(interactions)
    await interactions.mark_synced(claimed[:2])
    assert await interactions.count_unsynced() == 1
    assert await interactions.claim_unsynced(NOON + LEASE, NOON + LEASE * 2, MANY) == claimed[2:]
    await interactions.mark_synced([])
    await interactions.mark_synced([an_interaction()])
    assert await interactions.count_unsynced() == 1


async def test_songs_are_ranked_by_recent_plays(
    interactions: InteractionRepository,
) -> None:
    play, complete, skip = InteractionKind.PLAY, InteractionKind.COMPLETE, InteractionKind.SKIP
    blue, green, skipped, old = (new_id() for _ in range(4))
    await add_played(interactions, green, play, skip, skip)
    await add_played(interactions, blue, play, play, complete)
    await add_played(interactions, skipped, skip, skip, skip, skip)
    for _ in range(5):
        await interactions.add(an_interaction(song_id=old, at=NOON - minutes(1)))
    assert await interactions.most_played(NOON, MANY) == [blue, green]
    assert await interactions.most_played(NOON, 1) == [blue]
    assert await interactions.most_played(NOON - minutes(1), 1) == [old]
    assert await interactions.most_played(NOON + minutes(1), MANY) == []


async def test_ties_are_ranked_deterministically(
    interactions: InteractionRepository,
) -> None:
    tied = [new_id() for _ in range(5)]
    for song_id in tied:
        await interactions.add(an_interaction(song_id=song_id))
    assert await interactions.most_played(NOON, 3) == sorted(tied, reverse=True)[:3]


async def test_latest_listener_is_known_to_the_engine(
    interactions: InteractionRepository,
) -> None:
    assert await interactions.latest_listener() is None
    ada, bill, carla = new_id(), new_id(), new_id()
    for user_id, at in ((bill, NOON), (ada, NOON - minutes(1)), (carla, NOON + minutes(1))):
        await interactions.add(an_interaction(user_id=user_id, at=at))
    assert await interactions.latest_listener() is None
    oldest = await claim(interactions, 2)
    await interactions.mark_synced(oldest)
    assert await interactions.latest_listener() == bill
    await interactions.mark_synced(await claim(interactions))
    assert await interactions.latest_listener() == carla
