"""Multipart forms with files, read from a request part by part: bounded, with files on disk and never in
memory.

A handler opens the form after the caller is authorized, so no bytes are read from clients that may not
upload.
"""

import re
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from shared.errors import REQUIRED, FieldError, InvalidError, MalformedError, TooLargeError, UnavailableError
from shared.http.body_limit import allow_body
from shared.http.idempotency import form_received

FIELD_BYTES = 16 * 1024
MOST_FIELDS = 20

FOLDERS = "music-streaming-upload-"
"""The prefix of the folders in the system's temporary folder that hold the files of a form."""

ABANDONED_AFTER_SECONDS = 3600.0
"""The age at which the files of a form count as left by a killed process: longer than any upload takes."""

_QUOTED = re.compile(rb'"(?:\\.|[^"\\])*"')
_EXTENDED_FILE_NAME = re.compile(rb";\s*filename\*(?:\d+\*?)?\s*=", re.IGNORECASE)

BYTES_AROUND_FILES = 64 * 1024
"""The maximum size of a form without its files: fields, and the lines between parts."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, and its files as paths that live as long as the form is open."""

    fields: Mapping[str, str]
    files: Mapping[str, Path]
    wanted_files: Collection[str]

    @property
    def wrong_files(self) -> Sequence[FieldError]:
        """Returns the errors of required files: missing, or empty."""
        wrong = []
        for name in self.wanted_files:
            if name not in self.files:
                wrong.append(FieldError(name, REQUIRED))
            elif self.files[name].stat().st_size == 0:
                wrong.append(FieldError(name, "the file is empty"))
        return wrong


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"Too large; at most {limit // (1024 * 1024)} MB are accepted")


def _has_extended_file_name(disposition: bytes) -> bool:
    """Whether there is a `filename*` (RFC 5987, also in RFC 2231's pieces), which the parser ignores."""
    return _EXTENDED_FILE_NAME.search(_QUOTED.sub(b"", disposition)) is not None


class _BoundedParser(MultiPartParser):
    """Stops reading as soon as there are too many files or one is too large."""

    def __init__(
        self, headers: Headers, stream: AsyncGenerator[bytes, None], file_limits: Mapping[str, int]
    ) -> None:
        super().__init__(headers, stream, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES)
        self._file_limits = file_limits
        self._file_bytes: dict[str, int] = {}
        self.is_whole = False

    def on_end(self) -> None:
        self.is_whole = True

    def on_headers_finished(self) -> None:
        part = self._current_part
        _, options = parse_options_header(part.content_disposition)
        if b"filename" not in options and _has_extended_file_name(part.content_disposition or b""):
            # Some clients write names that are not ASCII in this way. The name itself is not used.
            part.content_disposition = (part.content_disposition or b"") + b'; filename="file"'
        super().on_headers_finished()
        name = part.field_name
        if part.file is None:
            if name in self._file_limits:
                raise InvalidError.of(FieldError(name, "must be sent as a file, with a file name"))
            return
        if name not in self._file_limits:
            raise InvalidError.of(FieldError(name, "must not be a file"))
        if name in self._file_bytes:
            raise InvalidError.of(FieldError(name, "exactly one file"))
        self._file_bytes[name] = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is not None:
            name = self._current_part.field_name
            self._file_bytes[name] += end - start
            if self._file_bytes[name] > self._file_limits[name]:
                raise _too_large(self._file_limits[name])
        super().on_part_data(data, start, end)


def _copy(upload: UploadFile, path: Path) -> None:
    upload.file.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(upload.file, target, 256 * 1024)


def _remove_abandoned() -> None:
    """Remove the files of forms whose process was killed. Never raises.

    Those of any process, because several may share the disk. Called whenever space is needed, because a
    process that restarts at once finds its files too recent to remove.
    """
    with suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
            with suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


def _no_room() -> UnavailableError:
    """The disk is full or fails: not the client's error."""
    return UnavailableError("Files cannot be stored now; try again later")


@asynccontextmanager
async def open_form(request: Request, file_limits: Mapping[str, int]) -> AsyncIterator[Form]:
    """The multipart form of `request`; `file_limits` names the files that it may carry and their most bytes.

    Raises:
        TooLargeError: a file is larger; the rest of it is not read. 413 when it is the whole (body_limit).
        MalformedError: it is not a multipart form, or is incomplete. InvalidError: a file is sent twice, or
        is not one of `file_limits`. UnavailableError: the disk is full.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MalformedError("The body must be multipart/form-data")
    allow_body(request, sum(file_limits.values()) + BYTES_AROUND_FILES)
    await anyio.to_thread.run_sync(_remove_abandoned)
    parser = _BoundedParser(request.headers, request.stream(), file_limits)
    try:
        parsed = await parser.parse()
    except (MultiPartException, LookupError, UnicodeError) as failure:  # the last two: an odd `charset`
        raise MalformedError("The multipart body cannot be read") from failure
    except ClientDisconnect as failure:
        raise MalformedError("The request body is incomplete; send it again") from failure
    except OSError as failure:
        raise _no_room() from failure
    try:
        if not parser.is_whole:
            raise MalformedError("The request body is incomplete; send it again")
        with tempfile.TemporaryDirectory(prefix=FOLDERS) as folder:
            fields: dict[str, str] = {}
            files: dict[str, Path] = {}
            for name, value in parsed.multi_items():
                if isinstance(value, str):
                    fields[name] = value
                    continue
                files[name] = Path(folder) / name
                try:
                    await anyio.to_thread.run_sync(_copy, value, files[name])
                    await value.close()
                except OSError as failure:
                    raise _no_room() from failure
            await form_received(fields, files)
            yield Form(fields, files, file_limits.keys())
    finally:
        await parsed.close()
