"""The duration that an audio file declares in its container's headers.

FFmpeg's duration cannot be used: if the container declares none, it is an estimate from the bit rate.
Headers that cannot be read declare nothing.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

UNKNOWN_BYTES = 0x7000_0000
"""A 32-bit size of this or more was written before the size was known."""

LARGEST_MP3_FRAME_BYTES = 1441
MP3_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LONGEST_HEADER = 1000
"""The maximum number of chunks, boxes or elements that are read."""

_UNREADABLE = (struct.error, IndexError, ValueError, OverflowError, ZeroDivisionError, OSError)
"""What parsing malformed headers raises; OSError comes from offsets beyond the maximum file size."""


def declared_seconds(path: Path, demuxer: str) -> float | None:
    """The declared seconds; None if it declares none, or declares bytes (`missing_share`)."""
    reader = {"mp3": _mp3_seconds, "flac": _flac_seconds, "matroska,webm": _matroska_seconds}.get(demuxer)
    if reader is None:
        return None
    try:
        with path.open("rb") as file:
            return reader(file)
    except _UNREADABLE:
        return None


def missing_share(path: Path, demuxer: str) -> float:
    """The share of the declared audio bytes that the file lacks, 0 to 1."""
    reader = {"wav": _riff_data, "w64": _w64_data, "aiff": _aiff_data, "caf": _caf_data}.get(demuxer)
    if reader is None:
        return 0.0
    try:
        with path.open("rb") as file:
            declared = reader(file)
            present = os.fstat(file.fileno()).st_size - file.tell()
    except _UNREADABLE:
        return 0.0
    return max(0.0, 1 - present / declared) if declared else 0.0


def is_fragmented(path: Path) -> bool:
    """Whether an MP4 file is fragmented: its header may not know the total duration."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for name, start, end in _boxes(file, 0, size):
                if name == b"moov":
                    return any(inner == b"mvex" for inner, _, _ in _boxes(file, start, end))
    except _UNREADABLE:
        return False
    return False


def id3_size(file: BinaryIO) -> int:
    """The size of the ID3v2 tag at this position, 0 if there is none. Does not move the position."""
    start = file.tell()
    header = file.read(10)
    file.seek(start)
    if len(header) < 10 or header[:3] != b"ID3":
        return 0
    size = 0
    for seven_bits in header[6:]:
        size = size << 7 | seven_bits & 0x7F
    return 10 + size + (10 if header[5] & 0x10 else 0)


def _read(file: BinaryIO, layout: str) -> tuple[int, ...]:
    values: tuple[int, ...] = struct.unpack(layout, file.read(struct.calcsize(layout)))
    return values


def _mp3_seconds(file: BinaryIO) -> float | None:
    """The seconds in the first frame of some encoders: Xing or Info (LAME), or VBRI (Fraunhofer)."""
    while size := id3_size(file):
        file.seek(size, os.SEEK_CUR)
    frame = file.read(LARGEST_MP3_FRAME_BYTES)
    if frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return None
    version = frame[1] >> 3 & 3
    rate = MP3_RATES_HZ[version][frame[2] >> 2 & 3] if version in MP3_RATES_HZ else 0
    samples = 1152 if version == 3 else 576
    is_mono = frame[3] >> 6 == 3
    side_info = (17 if is_mono else 32) if version == 3 else (9 if is_mono else 17)
    xing = 4 + side_info
    if frame[xing : xing + 4] in (b"Xing", b"Info") and frame[xing + 7] & 1:
        (frames,) = struct.unpack(">I", frame[xing + 8 : xing + 12])
    elif frame[36:40] == b"VBRI":
        (frames,) = struct.unpack(">I", frame[50:54])
    else:
        return None
    return float(frames * samples / rate)


def _flac_seconds(file: BinaryIO) -> float | None:
    while size := id3_size(file):
        file.seek(size, os.SEEK_CUR)
    header = file.read(4 + 4 + 34)
    if header[:4] != b"fLaC" or header[4] & 0x7F != 0:
        return None
    (bits,) = struct.unpack(">Q", header[18:26])
    samples = bits & 0xF_FFFF_FFFF
    return float(samples / (bits >> 44)) if samples else None


def _vint(file: BinaryIO, *, keep_marker: bool = False) -> int | None:
    """An EBML number; None stands for unknown."""
    first = file.read(1)[0]
    length = 9 - first.bit_length()
    if length > 8:
        raise ValueError("no EBML number")
    value = first if keep_marker else first & (0xFF >> length)
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        raise ValueError("the file ends within a number")
    value = value << 8 * (length - 1) | int.from_bytes(rest, "big")
    return None if not keep_marker and value == (1 << 7 * length) - 1 else value


SEGMENT, INFO, DURATION, TIMESTAMP_SCALE, CLUSTER = 0x18538067, 0x1549A966, 0x4489, 0x2AD7B1, 0x1F43B675


def _matroska_seconds(file: BinaryIO) -> float | None:
    """Segment > Info > Duration, in units of TimestampScale nanoseconds."""
    scale, duration, info_end = 1_000_000, None, None
    for _ in range(LONGEST_HEADER):
        if info_end is not None and file.tell() >= info_end:
            break
        element, size = _vint(file, keep_marker=True), _vint(file)
        if element == CLUSTER:
            break
        if element == SEGMENT:
            continue
        if size is None:
            return None
        if element == INFO:
            info_end = file.tell() + size
        elif element == TIMESTAMP_SCALE and size <= 8:
            scale = int.from_bytes(file.read(size), "big")
        elif element == DURATION and size in (4, 8):
            (duration,) = struct.unpack(">f" if size == 4 else ">d", file.read(size))
        else:
            file.seek(size, os.SEEK_CUR)
    seconds = duration * scale / 1e9 if duration is not None else 0.0
    return seconds if 0 < seconds < float("inf") else None


def _riff_data(file: BinaryIO) -> int | None:
    """The declared size of the chunk `data`; the position is then at its first byte."""
    kind = file.read(4)
    order = ">" if kind == b"RIFX" else "<"
    file.seek(12)
    size_in_64_bits = None
    for _ in range(LONGEST_HEADER):
        name = file.read(4)
        (size,) = _read(file, order + "I")
        if name == b"data":
            if kind in (b"RF64", b"BW64") and size_in_64_bits is not None:
                return size_in_64_bits
            return size if size < UNKNOWN_BYTES else None
        here = file.tell()
        if name == b"ds64":
            _, size_in_64_bits = _read(file, "<QQ")
        file.seek(here + size + size % 2)
    return None


def _w64_data(file: BinaryIO) -> int | None:
    file.seek(40)
    for _ in range(LONGEST_HEADER):
        name = file.read(16)
        (size,) = _read(file, "<Q")
        if name[:4] == b"data":
            return size - 24 if size < 1 << 62 else None
        if size < 24:
            return None
        file.seek((size - 24 + 7) // 8 * 8, os.SEEK_CUR)
    return None


def _aiff_data(file: BinaryIO) -> int | None:
    file.seek(12)
    for _ in range(LONGEST_HEADER):
        name = file.read(4)
        (size,) = _read(file, ">I")
        if name == b"SSND":
            return size if size < UNKNOWN_BYTES else None
        file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _caf_data(file: BinaryIO) -> int | None:
    file.seek(8)
    for _ in range(LONGEST_HEADER):
        name = file.read(4)
        (size,) = _read(file, ">q")
        if name == b"data":
            return size if size > 0 else None
        if size < 0:
            return None
        file.seek(size, os.SEEK_CUR)
    return None


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and end of the contents of the boxes of an MP4 file between `start` and `end`."""
    for _ in range(LONGEST_HEADER):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        if len(header) < 8:
            return
        size, name, body = int.from_bytes(header[:4], "big"), header[4:8], start + 8
        if size == 1 and len(header) == 16:
            size, body = int.from_bytes(header[8:], "big"), start + 16
        if size == 0:
            size = end - start
        if size < body - start:
            return
        yield name, body, min(end, start + size)
        start += size
