"""What belongs to a play in the history."""

from song_service.domain import InteractionKind, Play
from song_service.library import OUTCOME_WITHIN, outcomes_of
from tests.repositories.builders import NOON, an_interaction, minutes

SONG, OTHER = "c" * 24, "d" * 24
PLAY, COMPLETE, SKIP = InteractionKind.PLAY, InteractionKind.COMPLETE, InteractionKind.SKIP


def test_outcome_belongs_to_the_last_play_before_it() -> None:
    first = an_interaction(song_id=SONG, at=NOON)
    skipped = an_interaction(song_id=SONG, kind=SKIP, at=NOON + minutes(1))
    second = an_interaction(song_id=SONG, at=NOON + minutes(2))
    completed = an_interaction(song_id=SONG, kind=COMPLETE, at=NOON + minutes(5))
    plays = [Play(each.id, each.song_id, each.at) for each in (second, first)]
    outcomes = outcomes_of(plays, [completed, first, second, skipped])
    assert outcomes == {first.id: {SKIP}, second.id: {COMPLETE}}


def test_outcome_of_another_song_does_not_count() -> None:
    play = an_interaction(song_id=SONG, at=NOON)
    other = an_interaction(song_id=OTHER, kind=COMPLETE, at=NOON + minutes(1))
    assert outcomes_of([Play(play.id, SONG, NOON)], [play, other]) == {play.id: set()}


def test_outcome_after_a_day_does_not_count() -> None:
    play = an_interaction(song_id=SONG, at=NOON)
    late = an_interaction(song_id=SONG, kind=COMPLETE, at=NOON + OUTCOME_WITHIN + minutes(1))
    assert outcomes_of([Play(play.id, SONG, NOON)], [play, late]) == {play.id: set()}


def test_outcome_of_a_later_play_is_excluded() -> None:
    old, new = an_interaction(song_id=SONG, at=NOON), an_interaction(song_id=SONG, at=NOON + minutes(9))
    completed = an_interaction(song_id=SONG, kind=COMPLETE, at=NOON + minutes(10))
    assert outcomes_of([Play(old.id, SONG, NOON)], [old, new, completed]) == {old.id: set()}


def test_outcome_of_the_same_moment_counts() -> None:
    play = an_interaction(song_id=SONG, at=NOON)
    skip = an_interaction(song_id=SONG, kind=SKIP, at=NOON)
    assert outcomes_of([Play(play.id, SONG, NOON)], [skip, play]) == {play.id: {SKIP}}
