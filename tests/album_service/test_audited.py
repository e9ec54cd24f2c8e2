"""The fields of an album in the audit log are few, however long the album is."""

from dataclasses import replace

from album_service.schemas import MOST_AUDITED_SONGS, audited_with_songs, moved_songs
from tests.repositories.builders import an_album


def test_order_names_only_what_moved() -> None:
    assert moved_songs("abcdef", "abedcf") == range(2, 5)
    assert len(moved_songs("abc", "abc")) == 0


def test_long_order_is_cut() -> None:
    ids = tuple(str(number) for number in range(1000))
    fields = audited_with_songs(replace(an_album(), song_ids=ids), moved_songs(ids, ids[::-1]))
    assert fields["songIds"] == list(ids[:MOST_AUDITED_SONGS])
    assert (fields["position"], fields["songCount"]) == (0, 1000)
