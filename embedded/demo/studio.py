"""Renders songs and covers in two processes beside the one that uploads."""

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from embedded.demo.covers import Cover, album_cover, song_cover
from embedded.demo.encoding import content_type, encode
from embedded.demo.songs import Album, Song
from embedded.demo.synth import synthesise

_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Recording:
    """A song as it is uploaded."""

    audio: bytes
    audio_content_type: str
    audio_file_name: str
    cover: Cover


def record(song: Song, artist_name: str) -> Recording:
    """Takes a few tenths of a second of computing."""
    tags = {"title": song.title, "artist": artist_name, "genre": song.genre}
    if song.album is not None:
        tags["album"] = song.album
    return Recording(
        audio=encode(synthesise(song), song.container, tags),
        audio_content_type=content_type(song.container),
        audio_file_name=f"{song.title}.{song.container}",
        cover=song_cover(song, artist_name),
    )


class Studio:
    """Its processes start with the first recording and are gone when it has closed."""

    def __init__(self) -> None:
        # Spawned, not forked: who asks for recordings may have threads and open sockets.
        self._processes = ProcessPoolExecutor(
            _PROCESSES,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_live_no_longer_than_parent,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends its processes; nothing can be recorded afterwards. Closing it again does no harm."""
        await asyncio.to_thread(self._processes.shutdown, cancel_futures=True)

    async def record(self, song: Song, artist_name: str) -> Recording:
        """Raises BrokenProcessPool when a process died, such as when out of memory."""
        return await asyncio.get_running_loop().run_in_executor(self._processes, record, song, artist_name)

    async def draw(self, album: Album, artist_name: str) -> Cover:
        """Raises as `record`."""
        return await asyncio.get_running_loop().run_in_executor(
            self._processes, album_cover, album, artist_name
        )


def _live_no_longer_than_parent() -> None:
    """Ctrl-C reaches the whole process group: only the parent handles it. This process ends with its
    parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
