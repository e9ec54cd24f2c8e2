"""A listener's library: likes and history, restricted to songs that they may see now."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from pydantic_core import to_json

from shared.access.caller import Caller
from shared.clock import now, to_iso
from shared.http.pagination import Cursor, Page, Slice, split_page
from shared.http.rows import Rows
from song_service import policy
from song_service.domain import Interaction, InteractionKind, Like, Play, Song
from song_service.library_ports import HistoryRepository, LikeRepository
from song_service.outbox import Outbox
from song_service.ports import SongRepository
from song_service.schemas import public_song, song_json

OUTCOME_WITHIN = timedelta(days=1)
"""A completion or skip belongs to the last play of that song before it, when that is no longer ago."""

_CHUNK = 500

Entry = TypeVar("Entry", Like, Play)


class Library:
    """Likes and history. Nothing of it is cached: only its owner reads it."""

    def __init__(
        self,
        songs: SongRepository,
        likes: LikeRepository,
        history: HistoryRepository,
        outbox: Outbox,
        whole_list_limit: int,
    ) -> None:
        self._songs = songs
        self._likes = likes
        self._history = history
        self._outbox = outbox
        self._whole_list_limit = whole_list_limit

    async def like(self, listener: Caller, song: Song) -> None:
        """Like the song. Idempotent."""
        if await self._likes.like(listener.id, song.id, now()):
            self._outbox.wake()

    async def unlike(self, listener: Caller, song: Song) -> None:
        """Withdraw the like. Idempotent."""
        if await self._likes.unlike(listener.id, song.id, now()):
            self._outbox.wake()

    async def liked(self, listener: Caller, page: Page) -> Rows:
        """Liked songs that the listener may see, most recently liked first."""
        shown, songs, next_cursor = await self._visible_page(
            listener, page, "liked", lambda part: self._likes.list(listener.id, part)
        )
        return Rows([song_json(songs[like.song_id]) for like in shown], next_cursor)

    async def count_liked(self, listener: Caller) -> int:
        """How many songs `liked` has in all."""
        count, after = 0, None
        while likes := await self._likes.list(listener.id, Slice(_CHUNK, after)):
            count += len(await self._visible(listener, [like.song_id for like in likes]))
            after = Cursor.of(likes[-1])
        return count

    async def liked_among(self, listener: Caller, song_ids: Sequence[str]) -> Sequence[str]:
        """Those of `song_ids` that the listener likes and may see, each once, in the order asked."""
        liked = await self._likes.liked_among(listener.id, set(song_ids))
        visible = await self._visible(listener, list(liked))
        return [each for each in dict.fromkeys(song_ids) if each in visible]

    async def history(self, listener: Caller, page: Page) -> Rows:
        """Plays of songs that the listener may see, newest first, each with its outcome."""
        plays, songs, next_cursor = await self._visible_page(
            listener, page, "history", lambda part: self._history.plays(listener.id, part)
        )
        outcomes = await self._outcomes(listener.id, plays)
        rows = [
            to_json(
                {
                    "song": public_song(songs[play.song_id]),
                    "playedAt": to_iso(play.created_at),
                    "completed": InteractionKind.COMPLETE in outcomes[play.id],
                    "skipped": InteractionKind.SKIP in outcomes[play.id],
                }
            )
            for play in plays
        ]
        return Rows(rows, next_cursor)

    async def count_history(self, listener: Caller) -> int:
        """How many entries `history` has in all."""
        counts = await self._history.count_by_song(listener.id)
        visible = await self._visible(listener, list(counts))
        return sum(plays for song_id, plays in counts.items() if song_id in visible)

    async def clear_history(self, listener: Caller) -> None:
        """Empty the history; what was played still counts in statistics and recommendations."""
        await self._history.clear(listener.id, now())

    async def _visible_page(
        self, listener: Caller, page: Page, name: str, read: Callable[[Slice], Awaitable[Sequence[Entry]]]
    ) -> tuple[Sequence[Entry], dict[str, Song], str | None]:
        """A page of entries whose songs the listener may see: reads on until it is full."""
        binding = f"{name} {listener.id}"
        part = page.to_slice(self._whole_list_limit, binding)
        shown: list[Entry] = []
        songs: dict[str, Song] = {}
        after = part.after
        while len(shown) < part.limit:
            entries = await read(Slice(part.limit, after))
            songs |= await self._visible(listener, [each.song_id for each in entries])
            shown += [each for each in entries if each.song_id in songs]
            if len(entries) < part.limit:
                break
            after = Cursor.of(entries[-1])
        entries, next_cursor = split_page(shown[: part.limit], part, binding)
        return entries, songs, next_cursor

    async def _visible(self, listener: Caller, song_ids: Sequence[str]) -> dict[str, Song]:
        wanted = list(dict.fromkeys(song_ids))
        visible: dict[str, Song] = {}
        for start in range(0, len(wanted), _CHUNK):
            found = await self._songs.get_many(wanted[start : start + _CHUNK])
            visible |= {song.id: song for song in found if policy.may_see(listener, song)}
        return visible

    async def _outcomes(self, user_id: str, plays: Sequence[Play]) -> dict[str, set[InteractionKind]]:
        if not plays:
            return {}
        since, until = plays[-1].created_at, plays[0].created_at + OUTCOME_WITHIN
        song_ids = {play.song_id for play in plays}
        return outcomes_of(plays, await self._history.interactions(user_id, song_ids, since, until))


def outcomes_of(
    plays: Sequence[Play], interactions: Sequence[Interaction]
) -> dict[str, set[InteractionKind]]:
    """By id of the play: completed or skipped, before the next play of the song and within a day."""
    outcomes: dict[str, set[InteractionKind]] = {play.id: set() for play in plays}
    last_plays: dict[str, Interaction] = {}
    # At equal times the play comes first: clients may send both at once.
    order = sorted(interactions, key=lambda each: (each.at, each.kind is not InteractionKind.PLAY, each.id))
    for each in order:
        if each.kind is InteractionKind.PLAY:
            last_plays[each.song_id] = each
            continue
        play = last_plays.get(each.song_id)
        if play is not None and play.id in outcomes and each.at - play.at <= OUTCOME_WITHIN:
            outcomes[play.id].add(each.kind)
    return outcomes
