"""Decoded audio as plain PCM: 16 bits, mono or stereo, one sample rate, from frames of any format."""

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from shared.media.errors import NotAudioError

BYTES_PER_SAMPLE = 2

LAYOUT_BY_CHANNELS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""The assumed layouts of channels with unknown positions, as in FFmpeg."""

FrameKind = tuple[str, str, int]


def kind_of(frame: AudioFrame) -> FrameKind:
    """Sample format, channel layout and sample rate: a conversion depends on nothing else."""
    return frame.format.name, frame.layout.name, frame.sample_rate


class PcmConverter:
    """Converts frames to PCM of `rate` Hz and `channels` (1 or 2). The format of the frames may change."""

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self._kind: FrameKind | None = None
        self._resampler: AudioResampler | None = None
        self._assumed_layout: str | None = None

    def convert(self, frame: AudioFrame) -> bytes:
        """The samples that are ready; the resampler buffers a few.

        Raises:
            NotAudioError: frames of this format cannot be converted.
        """
        kind = kind_of(frame)
        if kind == self._kind:
            return self._resample(frame)
        ready = self.finish()
        self._kind = kind
        try:
            self._assumed_layout = None
            return ready + self._resample(frame)
        except (FFmpegError, ValueError):
            # Channels with unknown positions, or positions that cannot be mixed down.
            self._resampler = None
        try:
            self._assumed_layout = LAYOUT_BY_CHANNELS[frame.layout.nb_channels]
            return ready + self._resample(frame)
        except (FFmpegError, ValueError, KeyError) as failure:
            self._kind = self._resampler = None
            raise NotAudioError("The audio cannot be converted") from failure

    def finish(self) -> bytes:
        """The remaining samples in the resampler."""
        resampler, self._resampler, self._kind = self._resampler, None, None
        return self._bytes_of(resampler.resample(None)) if resampler is not None else b""

    def silence(self, seconds: float) -> bytes:
        """Silence of this many seconds."""
        return bytes(round(seconds * self._rate) * self._channels * BYTES_PER_SAMPLE)

    def _resample(self, frame: AudioFrame) -> bytes:
        if self._assumed_layout is not None:
            frame = _relabelled(frame, self._assumed_layout)
        # Each frame follows the one before: `AudioTrack` handles the timeline.
        frame.pts = None
        if self._resampler is None:
            self._resampler = AudioResampler("s16", LAYOUT_BY_CHANNELS[self._channels], self._rate)
        return self._bytes_of(self._resampler.resample(frame))

    def _bytes_of(self, frames: list[AudioFrame]) -> bytes:
        size = self._channels * BYTES_PER_SAMPLE
        return b"".join(bytes(memoryview(each.planes[0])[: each.samples * size]) for each in frames)


def _relabelled(frame: AudioFrame, layout: str) -> AudioFrame:
    """The same samples with another channel layout."""
    copy = AudioFrame(format=frame.format.name, layout=layout, samples=frame.samples)
    copy.sample_rate = frame.sample_rate
    copy.time_base = frame.time_base
    for source, target in zip(frame.planes, copy.planes, strict=True):
        target.update(bytes(source)[: target.buffer_size].ljust(target.buffer_size, b"\0"))
    return copy
