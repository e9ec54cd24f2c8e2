"""Writes uploads to disk: signed forms, and files in chunks."""

import asyncio
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from embedded.cloud.cloudinary.request_signature import RefusedRequestError, check_signature
from embedded.cloud.settings import CloudSettings

MAX_FILE_BYTES = 100 * 1024 * 1024
MAX_REQUEST_BYTES = MAX_FILE_BYTES + 1024 * 1024
MIN_CHUNK_BYTES = 5 * 1000 * 1000
ABANDONED_AFTER_SECONDS = 3600
COPY_BUFFER_BYTES = 1024 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12}|-1)", re.ASCII)


@dataclass(frozen=True)
class SignedForm:
    """The verified fields; lists (`tags[]`) are joined by commas, as for the signature."""

    fields: dict[str, str]
    file: UploadFile | None


@dataclass(frozen=True)
class Chunk:
    """Which bytes these are, last one included; `total` is None while the sender does not know it."""

    upload_id: str
    first: int
    last: int
    total: int | None


@asynccontextmanager
async def signed_form(request: Request, settings: CloudSettings) -> AsyncIterator[SignedForm]:
    """The form, its file spooled to disk as it arrives. Raises RefusedRequestError."""
    try:
        form = await request.form(max_files=1, max_fields=100)
    except HTTPException as error:
        raise RefusedRequestError(error.status_code, error.detail) from error
    try:
        signed = _read_form(form)
        check_signature(
            signed.fields, api_key=settings.cloudinary_api_key, api_secret=settings.cloudinary_api_secret
        )
        yield signed
    finally:
        await form.close()


def chunk_of(request: Request) -> Chunk | None:
    """What the request's headers say about the part that it carries; None when it carries a whole file."""
    header, upload_id = request.headers.get("content-range"), request.headers.get("x-unique-upload-id")
    if header is None and upload_id is None:
        return None
    match = _CONTENT_RANGE.fullmatch(header or "")
    if match is None or not upload_id:
        raise RefusedRequestError(400, "A chunk needs X-Unique-Upload-Id and Content-Range: bytes 0-9/100")
    first, last, total = (int(number) for number in match.groups())
    if last < first or (total >= 0 and last >= total):
        raise RefusedRequestError(400, "Invalid Content-Range")
    if max(total, last + 1) > MAX_FILE_BYTES:
        raise _too_large(max(total, last + 1))
    if last + 1 != total and last - first + 1 < MIN_CHUNK_BYTES:
        raise RefusedRequestError(400, "All parts except EOF-chunk must be larger than 5mb")
    return Chunk(upload_id, first, last, None if total < 0 else total)


class Uploads:
    """Assembles files in `folder`. The caller moves or deletes a finished one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._appending = asyncio.Lock()

    async def whole(self, file: UploadFile) -> Path:
        """Raises RefusedRequestError when the file is empty or too large."""
        return await asyncio.to_thread(self._write_whole, file.file)

    async def part(self, file: UploadFile, chunk: Chunk) -> Path | None:
        """The file when this was its last chunk, else None. A chunk that is sent again replaces itself."""
        async with self._appending:
            return await asyncio.to_thread(self._write_part, file.file, chunk)

    def _write_whole(self, source: BinaryIO) -> Path:
        size = source.seek(0, os.SEEK_END)
        if size == 0:
            raise RefusedRequestError(400, "Empty file")
        if size > MAX_FILE_BYTES:
            raise _too_large(size)
        target = self._folder / uuid.uuid4().hex
        try:
            with target.open("xb") as file:
                _copy(source, file)
        except OSError:
            target.unlink(missing_ok=True)
            raise
        return target

    def _write_part(self, source: BinaryIO, chunk: Chunk) -> Path | None:
        self._remove_abandoned()
        if source.seek(0, os.SEEK_END) != chunk.last - chunk.first + 1:
            raise RefusedRequestError(400, "Content-Range does not fit the chunk")
        target = self._folder / f"chunked-{hashlib.sha256(chunk.upload_id.encode()).hexdigest()}"
        if chunk.first > (target.stat().st_size if target.exists() else 0):
            raise RefusedRequestError(400, f"The chunk before byte {chunk.first} is missing")
        with target.open("ab") as file:
            file.truncate(chunk.first)
            _copy(source, file)
        if chunk.total is None or chunk.last + 1 < chunk.total:
            return None
        return target.rename(self._folder / uuid.uuid4().hex)

    def _remove_abandoned(self) -> None:
        for file in self._folder.glob("chunked-*"):
            if time.time() - file.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                file.unlink(missing_ok=True)


def md5_of(file: Path) -> str:
    """Cloudinary's etag of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    source.seek(0)
    shutil.copyfileobj(source, target, COPY_BUFFER_BYTES)
    target.flush()
    os.fsync(target.fileno())


def _read_form(form: FormData) -> SignedForm:
    fields: dict[str, list[str]] = {}
    file: UploadFile | None = None
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name != "file":
                raise RefusedRequestError(400, f"A file in the field {name[:40]}, where a text belongs")
            file = value
        elif name.endswith("[]"):
            fields.setdefault(name[:-2], []).append(value)
        elif name in fields:
            raise RefusedRequestError(400, f"The parameter {name[:40]} came twice")
        else:
            fields[name] = [value]
    return SignedForm({name: ",".join(values) for name, values in fields.items()}, file)


def _too_large(size: int) -> RefusedRequestError:
    return RefusedRequestError(400, f"File size too large. Got {size}. Maximum is {MAX_FILE_BYTES}.")
