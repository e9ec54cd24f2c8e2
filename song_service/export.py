"""What is stored about one user, for the export of their account: SongExport of shared/contracts."""

from collections.abc import AsyncIterator, Sequence

from shared.clock import to_iso
from shared.http.json_stream import JsonPieces, json_array, json_object
from shared.http.pagination import Slice, all_pages
from song_service.domain import Interaction, InteractionKind
from song_service.library_ports import HistoryRepository, LikeRepository
from song_service.ports import SongFilter, SongRepository
from song_service.schemas import public_song

PAGE = 500

Rows = AsyncIterator[Sequence[dict[str, object]]]


class Export:
    """Reads songs, likes and interactions page by page. The pieces raise UnavailableError."""

    def __init__(self, songs: SongRepository, likes: LikeRepository, history: HistoryRepository) -> None:
        self._songs = songs
        self._likes = likes
        self._history = history

    async def of(self, user_id: str) -> JsonPieces:
        """Songs in any state, likes, and all interactions, also those cleared from the history."""
        cleared_at = await self._history.cleared_at(user_id)
        members: dict[str, object] = {
            "historyClearedAt": None if cleared_at is None else to_iso(cleared_at),
            "uploaded": json_array(self._uploaded(user_id)),
            "likes": json_array(self._liked(user_id)),
            "plays": json_array(self._interactions(user_id, InteractionKind.PLAY)),
            "completions": json_array(self._interactions(user_id, InteractionKind.COMPLETE)),
            "skips": json_array(self._interactions(user_id, InteractionKind.SKIP)),
        }
        async for piece in json_object(members):
            yield piece

    async def _uploaded(self, user_id: str) -> Rows:
        wanted = SongFilter(artist_id=user_id)
        async for page in all_pages(lambda part: self._songs.list(wanted, part), PAGE):
            yield [public_song(song) for song in page]

    async def _liked(self, user_id: str) -> Rows:
        async for page in all_pages(lambda part: self._likes.list(user_id, part), PAGE):
            yield [{"songId": like.song_id, "likedAt": to_iso(like.created_at)} for like in page]

    async def _interactions(self, user_id: str, kind: InteractionKind) -> Rows:
        async def read(part: Slice) -> Sequence[Interaction]:
            return await self._history.of_kind(user_id, kind, part)

        async for page in all_pages(read, PAGE):
            yield [{"songId": each.song_id, "at": to_iso(each.at)} for each in page]
