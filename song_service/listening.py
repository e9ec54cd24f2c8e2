"""Records interactions at once; the outbox sends them to the engine later."""

import hashlib
from datetime import timedelta

from shared.access.caller import Caller
from shared.clock import now
from shared.ids import new_id
from song_service.domain import Earlier, Interaction, InteractionKind
from song_service.library_ports import HistoryRepository
from song_service.outbox import Outbox
from song_service.ports import InteractionRepository

LONGEST_WINDOW_SECONDS = 30


class Listening:
    """Records plays, completions and skips."""

    def __init__(
        self, interactions: InteractionRepository, history: HistoryRepository, outbox: Outbox
    ) -> None:
        self._interactions = interactions
        self._history = history
        self._outbox = outbox

    async def track(
        self, listener: Caller, song_id: str, duration: int, kind: InteractionKind, key: str | None
    ) -> None:
        """Store an interaction. A repetition counts once: with the same `key`, the client's Idempotency-Key,
        or without one, within the song's `duration` in seconds, 30 s at most. If the first was cleared from
        the history since then, it moves to the time of the repetition: it is in the history, and counts once.
        """
        at = now()
        event = f"{listener.id}:{song_id}:{kind.value}"
        earlier = None
        if key:
            dedup_key = f"{event}:key:{_digest(key)}"
        else:
            window = max(1, min(duration, LONGEST_WINDOW_SECONDS))
            number = int(at.timestamp()) // window
            dedup_key = f"{event}:window:{number}"
            earlier = Earlier(f"{event}:window:{number - 1}", at - timedelta(seconds=window))
        interaction = Interaction(new_id(), listener.id, song_id, kind, at, dedup_key)
        if await self._interactions.add(interaction, earlier):
            self._outbox.wake()
        elif earlier is not None and (cleared_at := await self._history.cleared_at(listener.id)) is not None:
            await self._interactions.move([dedup_key, earlier.dedup_key], cleared_at, at)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
