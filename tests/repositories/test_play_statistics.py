"""The contract of `PlayStatistics`: the same figures whichever days are summarised."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from song_service.domain import Interaction, InteractionKind, PlayCounts, PlayReport
from song_service.library_ports import PlayStatistics
from song_service.ports import InteractionRepository
from tests.repositories.builders import an_interaction

FIRST = date(2026, 3, 1)
SONGS = ["1" * 24, "2" * 24, "3" * 24]
STRANGE = "f" * 24
DAYS = 6


def moment(day: date, second: int) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)


def some_interactions() -> list[Interaction]:
    """Six days of five listeners, with the first and last millisecond of each day among them."""
    chosen = random.Random(7)  # noqa: S311 - the same in every run
    made = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        moments = [moment(day, chosen.randrange(86_400)) for _ in range(20)]
        edges = [moment(day, 0), moment(day, 86_400) - timedelta(milliseconds=1)]
        made += [
            an_interaction(
                user_id=chosen.choice("abcde") * 24,
                song_id=chosen.choice([*SONGS, STRANGE]),
                kind=chosen.choice(list(InteractionKind)),
                at=at,
            )
            for at in moments + edges
        ]
    return made


def expected_report(made: list[Interaction], first_day: date) -> PlayReport:
    within = [each for each in made if each.at.date() >= first_day and each.song_id in SONGS]
    by_song = {}
    for song_id in SONGS:
        of_song = [each for each in within if each.song_id == song_id]
        kinds = Counter(each.kind for each in of_song)
        if of_song:
            by_song[song_id] = PlayCounts(
                kinds[InteractionKind.PLAY],
                kinds[InteractionKind.COMPLETE],
                kinds[InteractionKind.SKIP],
                len({each.user_id for each in of_song}),
            )
    per_day = Counter(each.at.date() for each in within if each.kind is InteractionKind.PLAY)
    return PlayReport(by_song, per_day, len({each.user_id for each in within}))


@pytest.mark.parametrize("summarised", [0, 1, 3, DAYS])
async def test_report_is_the_same_from_summaries_and_interactions(
    statistics: PlayStatistics, interactions: InteractionRepository, summarised: int
) -> None:
    made = some_interactions()
    for each in made:
        await interactions.add(each)
    for number in range(summarised):
        await statistics.roll_up(FIRST + timedelta(days=number))
    for first_day in (
        FIRST - timedelta(days=30),
        FIRST,
        FIRST + timedelta(days=2),
        FIRST + timedelta(days=5),
    ):
        assert await statistics.report(SONGS, first_day) == expected_report(made, first_day)


async def test_repeated_roll_up_counts_nothing_twice(
    statistics: PlayStatistics, interactions: InteractionRepository
) -> None:
    made = some_interactions()
    for each in made:
        await interactions.add(each)
    for _ in range(2):
        for number in range(3):
            await statistics.roll_up(FIRST + timedelta(days=number))
    assert await statistics.last_rolled_up() == FIRST + timedelta(days=2)
    assert await statistics.report(SONGS, FIRST) == expected_report(made, FIRST)


async def test_report_of_nothing_is_empty(statistics: PlayStatistics) -> None:
    assert await statistics.first_day() is None
    assert await statistics.last_rolled_up() is None
    assert await statistics.report([], FIRST) == PlayReport({}, {}, 0)
    assert await statistics.report(SONGS, FIRST) == PlayReport({}, {}, 0)


async def test_first_day_is_that_of_the_oldest(
    statistics: PlayStatistics, interactions: InteractionRepository
) -> None:
    for day in (FIRST + timedelta(days=1), FIRST, FIRST + timedelta(days=3)):
        await interactions.add(an_interaction(at=moment(day, 5)))
    assert await statistics.first_day() == FIRST


@pytest.mark.parametrize("summarised", [0, 2])
async def test_total_plays_cover_all_days(
    statistics: PlayStatistics, interactions: InteractionRepository, summarised: int
) -> None:
    made = some_interactions()
    for each in made:
        await interactions.add(each)
    for number in range(summarised):
        await statistics.roll_up(FIRST + timedelta(days=number))
    plays = Counter(
        each.song_id for each in made if each.kind is InteractionKind.PLAY and each.song_id in SONGS
    )
    assert await statistics.plays_in_total(SONGS) == plays
    assert await statistics.plays_in_total([]) == {}


async def test_played_since_names_played_songs_only(
    statistics: PlayStatistics, interactions: InteractionRepository
) -> None:
    await interactions.add(an_interaction(song_id=SONGS[0], at=moment(FIRST, 10)))
    await interactions.add(an_interaction(song_id=SONGS[1], at=moment(FIRST, 9)))
    await interactions.add(an_interaction(song_id=SONGS[2], at=moment(FIRST, 11), kind=InteractionKind.SKIP))
    assert await statistics.played_since(moment(FIRST, 10)) == {SONGS[0]}


async def test_removed_listener_no_longer_counts(
    statistics: PlayStatistics, interactions: InteractionRepository
) -> None:
    for user_id in ("a" * 24, "b" * 24):
        await interactions.add(an_interaction(user_id=user_id, song_id=SONGS[0], at=moment(FIRST, 1)))
    await statistics.roll_up(FIRST)
    await statistics.remove_listener("a" * 24)
    report = await statistics.report(SONGS, FIRST)
    assert (report.listeners, report.by_song[SONGS[0]].listeners) == (1, 1)
