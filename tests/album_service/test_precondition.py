"""What an `If-Match` header requires."""

from dataclasses import replace

import pytest

from album_service.domain import AlbumChangedError
from album_service.precondition import Precondition, etag_of
from tests.repositories.builders import an_album

ALBUM = replace(an_album(), revision=7)


@pytest.mark.parametrize("header", ['"7-abc"', '"7"', 'W/"7-abc"', '"6", "7-x"', ' "7" '])
def test_tag_of_the_revision_matches(header: str) -> None:
    assert Precondition.from_header(header).revision_of(ALBUM) == 7


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_absent_precondition_matches_every_revision(header: str | None) -> None:
    assert Precondition.from_header(header).revision_of(ALBUM) is None


@pytest.mark.parametrize("header", ['"6-abc"', '"abc"', "", "7", '"77"', '"-7"', '"٧"', '"7', "W/7"])
def test_other_tags_match_no_album(header: str) -> None:
    with pytest.raises(AlbumChangedError):
        Precondition.from_header(header).revision_of(ALBUM)


def test_etag_begins_with_the_revision() -> None:
    assert etag_of(7, '"abc"') == '"7-abc"'
    assert Precondition.from_header(etag_of(7)).revision_of(ALBUM) == 7
