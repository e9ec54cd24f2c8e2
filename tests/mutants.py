"""Short files of every supported format, and the same damaged at random: for fuzzing."""

import functools
import io
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

SECONDS = 0.3
NASTY = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\xff\xf0\0\1")

AUDIO: dict[str, list[str]] = {
    "a.mp3": ["-b:a", "64k", "-metadata", "genre=Jazz", "-write_id3v1", "1"],
    "stream.mp3": ["-b:a", "32k", "-write_xing", "0", "-id3v2_version", "0"],
    "a.m4a": ["-b:a", "48k", "-metadata", "genre=Jazz"],
    "lossless.m4a": ["-c:a", "alac", "-ac", "1"],
    "fragments.mp4": ["-movflags", "frag_keyframe+empty_moov", "-frag_duration", "100000"],
    "a.aac": ["-b:a", "48k"],
    "a.wav": ["-metadata", "genre=Jazz"],
    "float.wav": ["-c:a", "pcm_f32le"],
    "adpcm.wav": ["-c:a", "adpcm_ms"],
    "64.wav": ["-rf64", "always"],
    "a.w64": [],
    "a.flac": ["-metadata", "genre=Jazz"],
    "a.ogg": ["-c:a", "libvorbis", "-metadata", "genre=Jazz"],
    "a.opus": ["-b:a", "32k"],
    "a.webm": ["-b:a", "32k"],
    "a.mka": ["-c:a", "flac"],
    "a.aiff": ["-write_id3v2", "1", "-metadata", "genre=Jazz"],
    "float.aiff": ["-c:a", "pcm_f32be"],
    "a.caf": [],
    "alac.caf": ["-c:a", "alac"],
}


@functools.cache
def audio_files() -> dict[str, bytes]:
    """By name."""
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in AUDIO.items():
            path = Path(folder) / name
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi"]
            command += ["-i", f"sine=440:duration={SECONDS}", *options, str(path)]
            subprocess.run(command, check=True, timeout=60)
            made[name] = path.read_bytes()
    return made


@functools.cache
def image_files() -> dict[str, bytes]:
    """By name."""
    made = {}
    picture = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    for kind, mode in (("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "P"), ("WEBP", "RGB"), ("GIF", "P")):
        target = io.BytesIO()
        picture.convert(mode).save(target, kind)
        made[f"{mode}.{kind.lower()}"] = target.getvalue()
    target = io.BytesIO()
    picture.save(target, "MPO", save_all=True, append_images=[picture])
    made["a.mpo"] = target.getvalue()
    return made


def mutant(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """`content` after one to four changes, as bad disks, broken uploads and attackers make them."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        size = max(1, len(changed))
        # Headers are where one byte changes most.
        at = chance.randrange(min(size, 200)) if chance.random() < 0.4 else chance.randrange(size)
        match chance.randrange(7):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                changed[at : at + 4] = chance.choice(NASTY)
            case 2:
                del changed[at : at + chance.randint(1, 64)]
            case 3:
                changed[at:at] = chance.randbytes(chance.randint(1, 64))
            case 4:
                changed[at : at + 64] = chance.randbytes(64)
            case 5:
                del changed[chance.randrange(size) :]
            case 6:
                start = chance.randrange(max(1, len(other)))
                changed[at:at] = other[start : start + chance.randint(1, 400)]
    return bytes(changed)


def mutants(files: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` of them, the same ones for a seed, with the name of what each was."""
    chance, names = random.Random(seed), sorted(files)  # noqa: S311 - nothing secret
    for number in range(count):
        name = names[number % len(names)]
        yield f"{name} {number}", mutant(files[name], files[chance.choice(names)], chance)
