"""ffmpeg as an encoder of mp3: a separate process that reads plain PCM only."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import imageio_ffmpeg

from embedded.cloud.cloudinary.transformations import AudioRendition

BACKGROUND_NICENESS = 10
ERROR_CHARACTERS = 500

Results = Sequence[tuple[AudioRendition, Path]]


class TranscodingError(Exception):
    """Renditions could not be made, or not in time."""


@dataclass(frozen=True)
class PcmFormat:
    """Sample rate in Hz and number of channels, 1 or 2."""

    rate: int
    channels: int


def find_ffmpeg() -> str:
    """The program in the imageio-ffmpeg wheel, or the system's if the wheel has none for this machine.

    Raises RuntimeError when there is neither.
    """
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def lower_priority() -> None:
    """The priority of the calling thread and of the processes that it starts."""
    if sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)


class Encoder:
    """Encodes PCM that is written to it into all `results` at once.

    `with Encoder(...) as encoder` raises TranscodingError at the end of the block unless all are complete.
    """

    def __init__(self, ffmpeg: str, pcm: PcmFormat, results: Results) -> None:
        self._command = [ffmpeg, *_arguments(pcm, results)]
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
            self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._complaints
        )
        return self

    def write(self, pcm: bytes) -> None:
        """Blocks while the encoder is behind. Raises BrokenPipeError when it has ended."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(pcm)

    def kill(self) -> None:
        """Makes `write` fail. May be called from any thread."""
        if self._process is not None:
            self._process.kill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        with self._complaints:
            if process is None or process.stdin is None:
                return
            if kind is not None and not isinstance(error, BrokenPipeError):
                process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            if process.wait() != 0 or isinstance(error, BrokenPipeError):
                self._complaints.seek(0)
                said = self._complaints.read().decode("utf-8", "replace").strip()[-ERROR_CHARACTERS:]
                if kind is None or isinstance(error, BrokenPipeError):
                    raise TranscodingError(said or f"ffmpeg ended with {process.returncode}") from error


def _arguments(pcm: PcmFormat, results: Results) -> list[str]:
    """The bit rate is constant and the first frame says how long the song is (Xing/Info), so a player can
    seek in a file that it has only begun to load. No tags and no cover: they would count towards the
    bit rate.
    """
    arguments = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-protocol_whitelist", "file,pipe"]
    arguments += ["-f", "s16le", "-ar", str(pcm.rate), "-ac", str(pcm.channels), "-i", "pipe:0"]
    for rendition, result in results:
        arguments += ["-map", "0:a:0", "-map_metadata", "-1", "-threads", "1"]
        arguments += ["-c:a", "libmp3lame", "-b:a", f"{rendition.bit_rate_kbps}k", "-abr", "0"]
        arguments += ["-ar", str(rendition.frequency_hz or pcm.rate)]
        arguments += ["-f", "mp3", "-id3v2_version", "0", "-write_xing", "1", f"file:{result}"]
    return arguments
