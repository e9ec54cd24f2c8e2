"""Serves a file on disk, or the part of it that a player seeks to (RFC 9110, sections 13 and 14)."""

import asyncio
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

CHUNK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)


class UnsatisfiableRangeError(Exception):
    """The range begins behind the end of the file (416)."""


@dataclass(frozen=True)
class ByteRange:
    """Both ends included, as in Content-Range."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def parse_range(header: str, size: int) -> ByteRange | None:
    """The one range asked for; None, which means the whole file, for a header that is no range or several.

    Raises UnsatisfiableRangeError. No player needs several ranges, and RFC 9110 lets a server ignore any
    Range.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first_text, last_text = match.groups()
    if not first_text:
        length = min(int(last_text), size)
        if length == 0:
            raise UnsatisfiableRangeError
        return ByteRange(size - length, size - 1)
    first = int(first_text)
    last = min(int(last_text), size - 1) if last_text else size - 1
    if last_text and int(last_text) < first:
        return None
    if first >= size:
        raise UnsatisfiableRangeError
    return ByteRange(first, last)


def etag_of(path: Path, status: os.stat_result) -> str:
    """A strong tag. A stored file is never changed, only replaced, with another modification time."""
    identity = f"{path.parent.name}/{path.name}/{status.st_size}/{status.st_mtime_ns}"
    return f'"{hashlib.sha256(identity.encode()).hexdigest()[:32]}"'


class StoredFileResponse:
    """GET or HEAD of `path`; raises FileNotFoundError from `open` when it is gone."""

    def __init__(self, file: BinaryIO, path: Path, media_type: str, headers: Mapping[str, str]) -> None:
        status = os.fstat(file.fileno())
        self._file = file
        self._size = status.st_size
        self._etag = etag_of(path, status)
        self._modified = int(status.st_mtime)
        self._headers = {
            **headers,
            "Content-Type": media_type,
            "Accept-Ranges": "bytes",
            "ETag": self._etag,
            "Last-Modified": formatdate(self._modified, usegmt=True),
            "X-Content-Type-Options": "nosniff",
        }

    @classmethod
    async def open(cls, path: Path, media_type: str, headers: Mapping[str, str]) -> "StoredFileResponse":
        """The file is opened at once, so that the response is complete even if the file is deleted in the
        meantime.
        """
        file = await asyncio.to_thread(path.open, "rb")
        return cls(file, path, media_type, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            request = Headers(scope=scope)
            if self._unchanged(request):
                await self._start(send, 304, {})
                await send({"type": "http.response.body"})
                return
            try:
                part = self._part(request) if scope["method"] == "GET" else None
            except UnsatisfiableRangeError:
                await self._start(
                    send, 416, {"Content-Range": f"bytes */{self._size}", "Content-Length": "0"}
                )
                await send({"type": "http.response.body"})
                return
            whole = ByteRange(0, self._size - 1)
            extra = {"Content-Length": str((part or whole).length)}
            if part:
                extra["Content-Range"] = f"bytes {part.first}-{part.last}/{self._size}"
            await self._start(send, 206 if part else 200, extra)
            if scope["method"] != "HEAD":
                await self._send_part(send, part or whole)
            await send({"type": "http.response.body"})

    def _unchanged(self, request: Headers) -> bool:
        """Whether the client's copy is current; If-None-Match takes precedence over If-Modified-Since."""
        known = request.get("if-none-match")
        if known is not None:
            tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
            return "*" in tags or self._etag in tags
        return self._is_last_modified(request.get("if-modified-since"), or_later=True)

    def _part(self, request: Headers) -> ByteRange | None:
        header, condition = request.get("range"), request.get("if-range")
        if header is None:
            return None
        if (
            condition
            and condition.strip() != self._etag
            and not self._is_last_modified(condition, or_later=False)
        ):
            return None
        return parse_range(header, self._size)

    def _is_last_modified(self, date: str | None, *, or_later: bool) -> bool:
        if date is None:
            return False
        try:
            seconds = int(parsedate_to_datetime(date).timestamp())
        except (ValueError, OverflowError):
            return False
        return seconds == self._modified or (or_later and seconds > self._modified)

    async def _start(self, send: Send, status: int, extra: Mapping[str, str]) -> None:
        headers = {**self._headers, **extra}
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})

    async def _send_part(self, send: Send, part: ByteRange) -> None:
        await asyncio.to_thread(self._file.seek, part.first)
        left = part.length
        while left > 0:
            chunk = await asyncio.to_thread(self._file.read, min(CHUNK_BYTES, left))
            if not chunk:
                raise OSError("The file became shorter while it was sent")
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
