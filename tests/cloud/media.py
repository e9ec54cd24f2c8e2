"""Real sound and real pictures, made when a test needs them, and what is measured of sound that came back."""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
import imageio_ffmpeg
from PIL import Image

TIMEOUT_SECONDS = 60
SONG_SECONDS = 4.0


def make_sound(
    path: Path,
    *,
    seconds: float = 4,
    frequency_hz: int = 44100,
    channels: int = 2,
    options: tuple[str, ...] = (),
) -> Path:
    """Two tones and noise, in the format of the path's extension."""
    source = (
        f"sine=f=440:r={frequency_hz}:d={seconds}[a];sine=f=660:r={frequency_hz}:d={seconds}[b];"
        f"anoisesrc=r={frequency_hz}:d={seconds}:a=0.1:seed=1[n];[a][b][n]amix=inputs=3"
    )
    arguments = ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-filter_complex", source]
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), *arguments, "-ac", str(channels), *options, str(path)],
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    return path


def make_picture(
    picture_format: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB"
) -> bytes:
    encoded = io.BytesIO()
    gradient = Image.linear_gradient("L").resize(size)
    Image.merge("RGB", [gradient, gradient.rotate(180), gradient]).convert(mode).save(encoded, picture_format)
    return encoded.getvalue()


@dataclass(frozen=True)
class Sound:
    """What decoding a file to its end shows: `bit_rate` is bytes over time, not what a header claims."""

    codec: str
    seconds: float
    claimed_seconds: float
    bit_rate: float
    frequency_hz: int
    channels: int


def measure(encoded: bytes) -> Sound:
    with av.open(io.BytesIO(encoded), mode="r") as container:
        stream = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(stream))
        rate = stream.codec_context.sample_rate
        seconds = samples / rate
        return Sound(
            codec=stream.codec_context.codec.canonical_name,
            seconds=seconds,
            claimed_seconds=(container.duration or 0) / 1_000_000,
            bit_rate=len(encoded) * 8 / seconds,
            frequency_hz=rate,
            channels=stream.codec_context.channels,
        )
