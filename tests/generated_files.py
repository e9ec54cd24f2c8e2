"""More files of the kinds in `tests/real_files`, made when a test needs them."""

import functools
import random
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import imageio_ffmpeg
from PIL import Image

SECONDS = 6


def make(path: Path, *options: str, seconds: float = SECONDS, source: str = "sine=440") -> Path:
    """A tone as the file that `path` is named for."""
    path.write_bytes(_tone(path.suffix, options, seconds, source))
    return path


@functools.cache
def _tone(suffix: str, options: tuple[str, ...], seconds: float, source: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi"]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"tone{suffix}"
        subprocess.run(
            [*command, "-i", f"{source}:duration={seconds}", *options, str(made)], check=True, timeout=60
        )
        return made.read_bytes()


def make_with_pictures(path: Path, pictures: int, *options: str) -> Path:
    """Six seconds of a tone, and a video stream of so many pictures."""
    picture = path.with_suffix(".png")
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(picture)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi"]
    command += ["-i", f"sine=440:duration={SECONDS}", "-loop", "1", "-framerate", "1", "-t", str(pictures)]
    command += ["-i", str(picture), "-map", "0", "-map", "1", "-pix_fmt", "yuvj420p", *options, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def changed(path: Path, change: Callable[[bytes], bytes]) -> Path:
    """The same file after `change` of its content."""
    path.write_bytes(change(path.read_bytes()))
    return path


def with_chunk_size(content: bytes, chunk: bytes, difference: int | None) -> bytes:
    """A WAV file whose RIFF or data chunk has another size than it says; None: an unknown one."""
    at = content.index(chunk) + 4
    size = struct.unpack("<I", content[at : at + 4])[0] + difference if difference is not None else 0xFFFFFFFF
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


def with_channel_mask(content: bytes, mask: int) -> bytes:
    """A WAV file with an extensible header whose channels are at other positions."""
    return content[:40] + struct.pack("<I", mask) + content[44:]


def with_samples(content: bytes, samples: bytes) -> bytes:
    """A WAV file with these bytes in the middle of its samples."""
    at = content.index(b"data") + 8 + 80_000
    return content[:at] + samples + content[at + len(samples) :]


def with_broken_packets(path: Path, share: float) -> Path:
    """Noise in place of so many of the packets."""
    chance, content = random.Random(1), bytearray(path.read_bytes())  # noqa: S311 - nothing secret
    with av.open(str(path), "r") as container:
        packets = [
            (packet.pos, packet.size)
            for packet in container.demux(container.streams.audio[0])
            if packet.size and packet.pos is not None
        ]
    for position, size in chance.sample(packets[2:-2], round(len(packets) * share)):
        content[position : position + size] = chance.randbytes(size)
    path.write_bytes(content)
    return path
