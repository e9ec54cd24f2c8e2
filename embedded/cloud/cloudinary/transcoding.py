"""mp3 renditions: decoded by the code that the services check audio with, then encoded by ffmpeg.

So a file that a service accepts has renditions, and they last as long as the service says.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame

from embedded.cloud.cloudinary.encoder import ERROR_CHARACTERS, Encoder, PcmFormat, Results, TranscodingError
from embedded.cloud.cloudinary.transformations import FREQUENCIES_HZ
from shared.media.audio_reader import AudioFile
from shared.media.audio_track import Piece, Silence
from shared.media.pcm import PcmConverter

FALLBACK_FREQUENCY_HZ = 44100
SILENCE_AT_ONCE_SECONDS = 1.0

_FLOATS = {"flt": np.float32, "fltp": np.float32, "dbl": np.float64, "dblp": np.float64}


logger = logging.getLogger(__name__)


class _RicherAudioError(Exception):
    """A later part of the file has more channels or a higher rate than the encoding."""

    def __init__(self, needed: PcmFormat) -> None:
        super().__init__()
        self.needed = needed


class Transcoding:
    """Makes `results` of one file in one pass. For one use."""

    def __init__(self, ffmpeg: str, original: Path, results: Results, time_limit_seconds: float) -> None:
        self._ffmpeg = ffmpeg
        self._original = original
        self._results = results
        self._time_limit_seconds = time_limit_seconds
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._is_stopped = False

    async def run(self, threads: Executor) -> None:
        """Raises TranscodingError. Cancelled, it ends the encoder and its thread before it returns."""
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(threads, self._run)
        timer = loop.call_later(self._time_limit_seconds, self._stop)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stop()
            await asyncio.wait([work])
            if error := work.exception():
                logger.debug("transcoding failed: %s", error)
            raise
        finally:
            timer.cancel()

    def _stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._encoder is not None:
                self._encoder.kill()

    def _run(self) -> None:
        try:
            wanted: PcmFormat | None = None
            while True:
                try:
                    self._transcode(wanted)
                except _RicherAudioError as richer:
                    wanted = richer.needed
                else:
                    return
        except TranscodingError:
            raise
        except Exception as failure:
            raise TranscodingError(str(failure)[-ERROR_CHARACTERS:]) from failure

    def _transcode(self, wanted: PcmFormat | None) -> None:
        """`wanted` None: what suits the first frame. Raises _RicherAudioError when that is not enough."""
        with AudioFile(self._original) as file:
            pieces = file.pieces(self._time_limit_seconds)
            first = next(pieces)
            pcm = wanted or _suiting(first)
            converter = PcmConverter(pcm.rate, pcm.channels)
            with self._encoding(pcm) as encoder:
                _write(encoder, converter, first, pcm)
                for piece in pieces:
                    _write(encoder, converter, piece, pcm)
                encoder.write(converter.finish())

    @contextlib.contextmanager
    def _encoding(self, pcm: PcmFormat) -> Iterator[Encoder]:
        with Encoder(self._ffmpeg, pcm, self._results) as encoder:
            with self._lock:
                self._encoder = encoder
                if self._is_stopped:
                    encoder.kill()
            yield encoder


def _suiting(piece: Piece) -> PcmFormat:
    """At less than 32 kHz mp3 cannot have more than 160 kbit/s: resampled, all bit rates can be had."""
    if isinstance(piece, Silence):
        return PcmFormat(FALLBACK_FREQUENCY_HZ, 1)
    rate = piece.sample_rate if piece.sample_rate in FREQUENCIES_HZ else FALLBACK_FREQUENCY_HZ
    return PcmFormat(rate, min(2, piece.layout.nb_channels))


def _write(encoder: Encoder, converter: PcmConverter, piece: Piece, pcm: PcmFormat) -> None:
    if isinstance(piece, Silence):
        left = piece.seconds
        encoder.write(converter.finish())
        while left > 0:
            encoder.write(converter.silence(min(left, SILENCE_AT_ONCE_SECONDS)))
            left -= SILENCE_AT_ONCE_SECONDS
        return
    needed = _suiting(piece)
    if needed.rate > pcm.rate or needed.channels > pcm.channels:
        raise _RicherAudioError(PcmFormat(max(needed.rate, pcm.rate), max(needed.channels, pcm.channels)))
    _sanitize(piece)
    encoder.write(converter.convert(piece))


def _sanitize(frame: AudioFrame) -> None:
    """In place: NaN becomes silence, and samples out of range are clipped."""
    kind = _FLOATS.get(frame.format.name)
    if kind is None:
        return
    for plane in frame.planes:
        samples = np.frombuffer(memoryview(plane), dtype=kind)
        # False for NaN, too.
        if not np.abs(samples).max() <= 1:
            np.nan_to_num(samples, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
            np.clip(samples, -1, 1, out=samples)
