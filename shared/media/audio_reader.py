"""Reads audio files frame by frame: what the song service checks and what the local cloud transcodes.

Both go through `AudioFile.pieces`, so a file that is accepted is one that can be transcoded.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from shared.media.audio_track import AudioTrack, Piece, Silence
from shared.media.errors import NotAudioError, UndecodableTrackError
from shared.media.formats import AUDIO_FORMAT_BY_DEMUXER, DEMUXERS, AudioFormat

OPEN_OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
IO_TIMEOUT_SECONDS = 20.0
MOST_TRACKS = 16


class AudioFile:
    """An open audio file. `with AudioFile(path) as file` raises NotAudioError for what cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open_container: InputContainer | None = None
        self.track: AudioStream | None = None
        """The one that `pieces` decodes, from its first piece on."""

    @property
    def container(self) -> InputContainer:
        """The open container."""
        if self._open_container is None:
            raise RuntimeError("The audio file is not open")
        return self._open_container

    def __enter__(self) -> Self:
        try:
            self._open_container = av.open(
                str(self._path),
                mode="r",
                options=OPEN_OPTIONS,
                metadata_errors="ignore",
                timeout=IO_TIMEOUT_SECONDS,
            )
        except (av.error.FFmpegError, ValueError) as failure:
            raise NotAudioError("The file is not a supported audio file, or it is damaged") from failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()

    @property
    def format(self) -> AudioFormat:
        """The container's row in the table of formats."""
        return AUDIO_FORMAT_BY_DEMUXER[self.container.format.name]

    def tags(self) -> dict[str, str]:
        """Tags by lower-case name. Tags of the file override those of its first audio track."""
        found: dict[str, str] = {}
        tracks = (each.metadata for each in self.container.streams.audio[:1])
        for metadata in (*tracks, self.container.metadata):
            found.update({name.lower(): value for name, value in metadata.items()})
        return found

    def pieces(self, max_seconds_of_work: float) -> Iterator[Piece]:
        """The frames of the first track that can be decoded, with silence where the timeline has gaps.

        A track without a single decodable frame is skipped. The file still lasts as long as that track
        declares, with silence at the end.

        Raises:
            NotAudioError: no track can be decoded, too much is damaged, the file is truncated or a video, or
            decoding takes more than `max_seconds_of_work`.
        """
        give_up_at = time.monotonic() + max_seconds_of_work
        reason = NotAudioError("The file has no audio")
        skipped_seconds = 0.0
        for number in range(min(MOST_TRACKS, len(self.container.streams.audio))):
            stream = self.track = self.container.streams.audio[number]
            decoding = AudioTrack(self._path, self.container, stream, give_up_at)
            try:
                yield from decoding.pieces()
            except UndecodableTrackError as failure:
                reason = failure if number == 0 else reason
                if stream.duration is not None and stream.time_base is not None:
                    skipped_seconds = max(skipped_seconds, float(stream.duration * stream.time_base))
                self._rewind()
                continue
            if decoding.seconds < skipped_seconds:
                yield Silence(skipped_seconds - decoding.seconds)
            return
        raise reason

    def _rewind(self) -> None:
        self.container.close()
        self.__enter__()
