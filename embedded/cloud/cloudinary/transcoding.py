"""mp3 renditions by ffmpeg, in a process of its own with a time limit."""

import asyncio
import contextlib
import os
from pathlib import Path

import imageio_ffmpeg

from embedded.cloud.cloudinary.probing import DEMUXERS
from embedded.cloud.cloudinary.transformations import FREQUENCIES_HZ, AudioRendition

TIME_LIMIT_SECONDS = 300
BACKGROUND_NICENESS = 10
FALLBACK_FREQUENCY_HZ = 44100
ERROR_CHARACTERS = 500


class TranscodingError(Exception):
    """ffmpeg could not make the rendition, or not in time."""


def find_ffmpeg() -> str:
    """The program that the imageio-ffmpeg wheel carries; where it has none for this machine, the system's.

    Raises RuntimeError when there is neither.
    """
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def ffmpeg_arguments(
    original: Path, rendition: AudioRendition, source: dict[str, object], result: Path
) -> list[str]:
    """`source` is the `audio` part of an upload's answer: frequency in Hz and number of channels.

    The bit rate is constant and the first frame says how long the song is (Xing/Info), so a player can seek
    in a file that it has only begun to load. No tags and no cover: they would count towards the bit rate.
    """
    # At less than 32 kHz mp3 cannot have more than 160 kbit/s: resample, so that all rates can be had.
    frequency = rendition.frequency_hz or source.get("frequency")
    if frequency not in FREQUENCIES_HZ:
        frequency = FALLBACK_FREQUENCY_HZ
    return [
        *("-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-timelimit", str(TIME_LIMIT_SECONDS)),
        *("-protocol_whitelist", "file", "-format_whitelist", DEMUXERS, "-i", f"file:{original}"),
        *("-map", "0:a:0", "-map_metadata", "-1", "-threads", "1"),
        *("-c:a", "libmp3lame", "-b:a", f"{rendition.bit_rate_kbps}k", "-abr", "0"),
        *("-ar", str(frequency), "-ac", "1" if source.get("channels") == 1 else "2"),
        *("-f", "mp3", "-id3v2_version", "0", "-write_xing", "1", f"file:{result}"),
    ]


async def transcode(ffmpeg: str, arguments: list[str], *, in_background: bool) -> None:
    """Raises TranscodingError. Cancelled, it ends the process before it returns."""
    process = await asyncio.create_subprocess_exec(
        ffmpeg,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        if in_background:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.setpriority(os.PRIO_PROCESS, process.pid, BACKGROUND_NICENESS)
        async with asyncio.timeout(TIME_LIMIT_SECONDS):
            _, complaint = await process.communicate()
    except TimeoutError:
        raise TranscodingError(f"not done within {TIME_LIMIT_SECONDS} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise TranscodingError(complaint.decode("utf-8", "replace").strip()[-ERROR_CHARACTERS:])
