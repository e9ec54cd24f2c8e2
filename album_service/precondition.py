"""`If-Match`: a change is applied only to the revision that the client has read.

An album's `ETag` begins with its revision, which every change of the album increments. The rest distinguishes
what callers see of the songs; a changed song is no change of the album.
"""

import re
from dataclasses import dataclass

from album_service.domain import Album, AlbumChangedError

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')
ANY = "*"


def etag_of(revision: int, content_etag: str | None = None) -> str:
    """The `ETag` of an album at this revision, whose content has `content_etag` (`"…"`)."""
    return f'"{revision}"' if content_etag is None else f'"{revision}-{content_etag[1:-1]}"'


@dataclass(frozen=True, slots=True)
class Precondition:
    """The precondition of a request. `revisions` None: none."""

    revisions: frozenset[int] | None = None

    @classmethod
    def from_header(cls, if_match: str | None) -> "Precondition":
        """Parses an `If-Match` header; an unknown tag matches no album.

        A compressing proxy makes tags weak; the revision in them is as good as before.
        """
        if if_match is None or if_match.strip() == ANY:
            return cls()
        tags = [found[1] for each in if_match.split(",") if (found := _TAG.fullmatch(each))]
        numbers = [each.partition("-")[0] for each in tags]
        return cls(frozenset(int(each) for each in numbers if each.isascii() and each.isdigit()))

    def revision_of(self, album: Album) -> int | None:
        """Returns the required revision; None without a precondition.

        Raises:
            AlbumChangedError: the album is at another revision.
        """
        if self.revisions is None:
            return None
        if album.revision not in self.revisions:
            raise AlbumChangedError
        return album.revision
