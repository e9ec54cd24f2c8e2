"""Multipart forms that carry files, taken from a request part by part: bounded, and on disk, never in memory.

A handler asks for the form after it knows the caller, so nobody's bytes are read before they may send them.
"""

import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from shared.errors import FieldError, InvalidError, MalformedError, TooLargeError

FIELD_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, and its files as paths that live as long as the form is open."""

    fields: Mapping[str, str]
    files: Mapping[str, Path] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        """The file sent as `name`.

        Raises:
            InvalidError: none was, or an empty one.
        """
        path = self.files.get(name)
        if path is None:
            raise InvalidError(f"Not accepted: {name}", [FieldError(name, "a file is required")])
        if path.stat().st_size == 0:
            raise InvalidError(f"Not accepted: {name}", [FieldError(name, "the file is empty")])
        return path


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"At most {limit // (1024 * 1024)} MB are taken")


async def _limited(stream: AsyncIterator[bytes], limit: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        yield chunk


def _copy(upload: UploadFile, path: Path) -> None:
    upload.file.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(upload.file, target, 256 * 1024)


@asynccontextmanager
async def open_form(request: Request, file_limits: Mapping[str, int]) -> AsyncIterator[Form]:
    """The multipart form of `request`; `file_limits` names the files that it may carry and their most bytes.

    Raises:
        TooLargeError: a file, or the whole, is larger; the rest of it is not read.
        MalformedError: it is no multipart form, or breaks off.
        InvalidError: a file twice, or one that nobody asked for.
    """
    whole_limit = sum(file_limits.values()) + 64 * 1024
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > whole_limit:
        raise _too_large(whole_limit)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MalformedError("The body must be multipart/form-data")
    parser = MultiPartParser(
        request.headers,
        _limited(request.stream(), whole_limit),
        max_files=len(file_limits) + 1,
        max_fields=20,
        max_part_size=FIELD_BYTES,
    )
    try:
        parsed = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as failure:
        raise MalformedError("The multipart body cannot be read") from failure
    except ClientDisconnect as failure:
        raise MalformedError("The body broke off") from failure
    try:
        with tempfile.TemporaryDirectory(prefix="upload-") as folder:
            fields: dict[str, str] = {}
            files: dict[str, Path] = {}
            for name, value in parsed.multi_items():
                if isinstance(value, str):
                    fields[name] = value
                    continue
                if name not in file_limits:
                    raise InvalidError(f"Not accepted: {name}", [FieldError(name, "no file is taken here")])
                if name in files:
                    raise InvalidError(f"Not accepted: {name}", [FieldError(name, "exactly one file")])
                if value.size is not None and value.size > file_limits[name]:
                    raise _too_large(file_limits[name])
                files[name] = Path(folder) / name
                await anyio.to_thread.run_sync(_copy, value, files[name])
                await value.close()
            yield Form(fields, files)
    finally:
        await parsed.close()
