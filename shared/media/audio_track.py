"""Decodes one track of an audio file, as tolerantly as a player, and checks that it is complete."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition

from shared.media.damage import Damage
from shared.media.declared_length import declared_seconds, is_fragmented, missing_share
from shared.media.errors import NotAudioError, UndecodableTrackError
from shared.media.pcm import FrameKind, PcmConverter, kind_of

MOST_MISSING = 0.05
"""Share of the declared length by which a file may end early before it counts as truncated."""

MOST_READ_ERRORS = 50

TRIED_RATE_HZ = 44100
HIGHEST_RATE_HZ = 192_000
MOST_CHANNELS = 8

SHORTEST_GAP_SECONDS = 0.1
"""Recorders sometimes write timestamps that are off by some milliseconds."""

EXACT = frozenset({"flac", "wav", "w64", "aiff", "caf", "mp3", "aac"})
"""Their timestamps are counted from the data, so every gap is one."""

EXACT_SHORTEST_GAP_SECONDS = 0.002

LONGEST_GAP_SECONDS = 60.0
"""A longer gap is a clock that was set, not a pause."""

LARGEST_OVERLAP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Silence:
    """A gap on the timeline: a pause, or lost packets."""

    seconds: float


Piece = AudioFrame | Silence


def seconds_of(piece: Piece) -> float:
    """The duration in seconds."""
    return piece.seconds if isinstance(piece, Silence) else piece.samples / piece.sample_rate


class _Timeline:
    """Finds the gaps between frames. Positions are seconds since the first frame."""

    def __init__(self, demuxer: str) -> None:
        self._shortest_gap = EXACT_SHORTEST_GAP_SECONDS if demuxer in EXACT else SHORTEST_GAP_SECONDS
        self._origin: float | None = None
        self._end = 0.0
        self.position = 0.0
        self.gaps = 0.0
        self.has_lost_packets = False

    def gap_before(self, frame: AudioFrame) -> float:
        """Seconds of silence that belong before this frame; frames are to be passed in their order.

        Of several frames in one packet only the first has a timestamp: the others follow it.
        """
        gap, start = 0.0, frame.time
        if start is not None:
            if self._origin is None:
                self._origin = start - self.position
            drift = start - self._origin - self.position
            if drift < -LARGEST_OVERLAP_SECONDS or drift > LONGEST_GAP_SECONDS:
                self._origin = start - self.position
            elif drift > 0 and (self.has_lost_packets or start - self._end >= self._shortest_gap):
                gap = drift
            self.has_lost_packets = False
        seconds = frame.samples / frame.sample_rate
        self.position += gap + seconds
        self.gaps += gap
        self._end = (start if start is not None else self._end) + seconds
        return gap


class AudioTrack:
    """`give_up_at` is in seconds of `time.monotonic`."""

    def __init__(self, path: Path, container: InputContainer, stream: AudioStream, give_up_at: float) -> None:
        self._path = path
        self._container = container
        self._stream = stream
        self._give_up_at = give_up_at
        self._damage = Damage(container.format.name)
        self._timeline = _Timeline(container.format.name)
        self._kinds: set[FrameKind] = set()
        self._first: int | None = None
        self._end: int | None = None
        self._longest_packet = 0

    def pieces(self) -> Iterator[Piece]:
        """The frames in their order, with silence where the timeline has gaps.

        Undecodable data after the last frame is a tag or padding.

        Raises:
            UndecodableTrackError: not one frame can be decoded.
            NotAudioError: too much is damaged, the file is truncated or a video, the format of the frames
            exceeds the limits, or decoding takes too long.
        """
        if self._stream.codec_context is None:
            raise UndecodableTrackError("The audio codec is not supported")
        self._stream.codec_context.thread_count = 1
        timeline, layout, rate, sample_format = self._timeline, None, 0, ""
        for packet in self._packets_of_track():
            frames = self._decoded(packet)
            if frames is None:
                timeline.has_lost_packets = True
                continue
            for frame in frames:
                if not frame.samples:
                    continue
                if gap := timeline.gap_before(frame):
                    yield Silence(gap)
                if frame.layout != layout or frame.sample_rate != rate or frame.format.name != sample_format:
                    layout, rate, sample_format = frame.layout, frame.sample_rate, frame.format.name
                    self._check_kind(frame)
                yield frame
        if not self.seconds:
            raise UndecodableTrackError("The audio cannot be decoded")
        is_flac = self._container.format.name == "flac"
        if self._damage.is_too_much() or (is_flac and timeline.gaps > self.seconds * MOST_MISSING):
            # FFmpeg silently skips damaged parts of a FLAC file.
            raise NotAudioError("The audio file is damaged")
        self._check_whole()

    @property
    def seconds(self) -> float:
        """The duration of the pieces so far, in seconds."""
        return self._timeline.position

    def _check_kind(self, frame: AudioFrame) -> None:
        """Conversion depends only on the format of a frame, so one frame of each format is tried.

        Raises:
            NotAudioError: the format exceeds the limits, or cannot be converted.
        """
        if (kind := kind_of(frame)) in self._kinds:
            return
        if not 0 < frame.sample_rate <= HIGHEST_RATE_HZ or not 0 < frame.layout.nb_channels <= MOST_CHANNELS:
            raise NotAudioError(
                f"The audio has more than {HIGHEST_RATE_HZ // 1000} kHz or more than {MOST_CHANNELS} channels"
            )
        PcmConverter(TRIED_RATE_HZ, 2).convert(frame)
        self._kinds.add(kind)

    def _decoded(self, packet: "Packet[AudioStream]") -> list[AudioFrame] | None:
        """The packet's frames; None when it is broken. An empty packet flushes the decoder."""
        if self._first is None:
            self._first = packet.pts
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            self._damage.count_broken(packet)
            return None
        if frames:
            self._damage.count_good(packet)
            start, units = packet.pts, packet.duration or 0
            if start is not None and (self._end is None or start + units > self._end):
                self._end = start + units
            if units > self._longest_packet:
                self._longest_packet = units
        return frames

    def _packets_of_track(self) -> "Iterator[Packet[AudioStream]]":
        """Continues after data that the demuxer cannot read.

        Raises:
            NotAudioError: it is a video, or time is up.
        """
        videos = [
            each for each in self._container.streams.video if not each.disposition & Disposition.attached_pic
        ]
        pictures = dict.fromkeys((each.index for each in videos), 0)
        for _ in range(MOST_READ_ERRORS):
            try:
                for packet in self._container.demux([self._stream, *videos]):
                    if time.monotonic() > self._give_up_at:
                        raise NotAudioError("The audio takes too long to decode")
                    if not videos or packet.stream.index == self._stream.index:
                        yield cast("Packet[AudioStream]", packet)
                    elif packet.size > 0 or packet.pts is not None:
                        # Theora repeats a frame by an empty packet; a flush packet has no timestamp.
                        pictures[packet.stream.index] += 1
                        if pictures[packet.stream.index] > 1:
                            raise NotAudioError("Videos are not supported")
            except (av.error.FFmpegError, ValueError):
                self._damage.count_unread()
            else:
                return

    def _check_whole(self) -> None:
        """Raises NotAudioError when the audio ends well before the length that the container declares."""
        demuxer = self._container.format.name
        if missing_share(self._path, demuxer) > MOST_MISSING:
            raise _truncated()
        declared = declared_seconds(self._path, demuxer)
        if demuxer.startswith("mov") and self._stream.duration is not None and not is_fragmented(self._path):
            declared = self._in_seconds(self._stream.duration)
        if declared is None:
            return
        first = self._in_seconds(self._first or 0)
        if 0 < first < declared:
            # Some containers declare the end of the audio, others its duration.
            declared -= first
        present = max(self.seconds, self._in_seconds(self._end or 0) - first)
        if present + self._in_seconds(self._longest_packet) < declared * (1 - MOST_MISSING):
            raise _truncated()

    def _in_seconds(self, units: int) -> float:
        return float(units * self._stream.time_base) if self._stream.time_base is not None else 0.0


def _truncated() -> NotAudioError:
    return NotAudioError("The audio file is incomplete")
