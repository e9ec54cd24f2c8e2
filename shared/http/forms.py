"""Multipart forms with files, read from a request part by part: bounded, with files on disk and never in
memory.

A handler opens the form after the caller is authorized, so no bytes are read from clients that may not
upload.
"""

import math
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
from starlette.formparsers import MultiPartException, MultiPartParser, MultipartPart
from starlette.requests import ClientDisconnect, Request

from shared.errors import REQUIRED, FieldError, MalformedError, TooLargeError, UnavailableError
from shared.http.body_limit import allow_body
from shared.http.idempotency import form_received

FIELD_BYTES = 16 * 1024
MOST_FIELDS = 20
"""Further parts that are none of the wanted files are not read."""

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
    """The fields of a form, and its files as paths that live as long as the form is open.

    `refused`: the parts that were not accepted, and are not among `fields` and `files`, or not as a whole.
    """

    fields: Mapping[str, str]
    files: Mapping[str, Path]
    wanted_files: Collection[str]
    refused: Sequence[FieldError] = ()

    @property
    def wrong_parts(self) -> Sequence[FieldError]:
        """Returns the errors of parts: refused, or a required file that is missing or empty."""
        wrong = {each.field: each for each in self.refused}
        for name in self.wanted_files:
            if name not in self.files:
                wrong.setdefault(name, FieldError(name, REQUIRED))
            elif self.files[name].stat().st_size == 0:
                wrong.setdefault(name, FieldError(name, "the file is empty"))
        return list(wrong.values())


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"Too large; at most {limit // (1024 * 1024)} MB are accepted")


def _has_extended_file_name(disposition: bytes) -> bool:
    """Whether there is a `filename*` (RFC 5987, also in RFC 2231's pieces), which the parser ignores."""
    return _EXTENDED_FILE_NAME.search(_QUOTED.sub(b"", disposition)) is not None


class _BoundedParser(MultiPartParser):
    """Stops reading as soon as there are too many parts or a file is too large.

    Other parts that cannot be accepted are read and dropped, so that the response names all of them.
    """

    def __init__(
        self, headers: Headers, stream: AsyncGenerator[bytes, None], file_limits: Mapping[str, int]
    ) -> None:
        super().__init__(headers, stream, max_fields=math.inf, max_files=math.inf, max_part_size=FIELD_BYTES)
        self._file_limits = file_limits
        self._file_bytes: dict[str, int] = {}
        self._other_parts = 0
        self._is_dropped = False
        self.refused: dict[str, FieldError] = {}
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
        name, reason = part.field_name, self._reason_to_refuse(part)
        self._is_dropped = reason is not None
        if reason is not None:
            self._refuse(name, reason)
        if part.file is not None and reason is None:
            self._file_bytes[name] = 0
            return
        self._other_parts += 1
        if self._other_parts > MOST_FIELDS:
            raise MalformedError(f"A form has at most {MOST_FIELDS} fields besides its files")

    def _reason_to_refuse(self, part: MultipartPart) -> str | None:
        name = part.field_name
        if part.file is None:
            return "must be sent as a file, with a file name" if name in self._file_limits else None
        if name not in self._file_limits:
            return f"must not be a file: this form takes {' and '.join(self._file_limits)}"
        return "exactly one file" if name in self._file_bytes else None

    def _refuse(self, name: str, reason: str) -> None:
        self.refused.setdefault(name, FieldError(name, reason))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_dropped:
            return
        name = self._current_part.field_name
        if self._current_part.file is not None:
            self._file_bytes[name] += end - start
            if self._file_bytes[name] > self._file_limits[name]:
                raise _too_large(self._file_limits[name])
        else:
            room = FIELD_BYTES - len(self._current_part.data)
            if end - start > room:
                self._refuse(name, f"at most {FIELD_BYTES // 1024} KB")
                end = start + room
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        if not self._is_dropped:
            super().on_part_end()
        elif self._current_part.file is not None:
            self._current_part.file.file.close()


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
        MalformedError: it is not a multipart form, is incomplete, or has too many parts.
        UnavailableError: the disk is full.
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
            refused = list(parser.refused.values())
            if not refused:  # else its fields and files may equal those of another form
                await form_received(fields, files)
            yield Form(fields, files, file_limits.keys(), refused)
    finally:
        await parsed.close()
