"""Translates errors of the MongoDB driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from pymongo.errors import (
    CollectionInvalid,
    ConfigurationError,
    CursorNotFound,
    DuplicateKeyError,
    EncryptionError,
    ExecutionTimeout,
    InvalidName,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from shared.errors import UnavailableError

# Error codes of a server that is not available now and that the driver has no class for: HostUnreachable,
# HostNotFound, LockTimeout, LockBusy, NetworkTimeout, WriteConflict, ReadConcernMajorityNotAvailableYet,
# NetworkInterfaceExceededTimeLimit, ExceededTimeLimit, SocketException, Interrupted, OutOfDiskSpace.
UNAVAILABLE_CODES: Final = frozenset({6, 7, 24, 46, 89, 112, 134, 202, 262, 9001, 11601, 14031})

# Unauthorized, AuthenticationFailed, AtlasError.
REFUSED_CODES: Final = frozenset({13, 18, 8000})

log = structlog.stdlib.get_logger(__name__)

_OUR_MISTAKES = (CollectionInvalid, ConfigurationError, EncryptionError, InvalidName, InvalidOperation)


class DuplicateDocumentError(Exception):
    """The key exists in a unique index; nothing was stored."""


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate driver errors: a server that is unavailable or refuses access to UnavailableError, an
    existing key to DuplicateDocumentError.

    Errors in a command itself are raised unchanged.
    """
    try:
        yield
    except DuplicateKeyError as error:
        raise DuplicateDocumentError from error
    except PyMongoError as error:
        if _is_refusal(error):
            log.error("database refuses access", code=getattr(error, "code", None))
        elif not _is_unavailable(error):
            raise
        raise UnavailableError("The database cannot be used now") from error


def _is_refusal(error: PyMongoError) -> bool:
    """Whether the server refuses our credentials: a password may change at the server first."""
    return isinstance(error, OperationFailure) and error.code in REFUSED_CODES


def _is_unavailable(error: PyMongoError) -> bool:
    if not isinstance(error, OperationFailure):
        return not isinstance(error, _OUR_MISTAKES)
    if isinstance(error, ExecutionTimeout | CursorNotFound | WriteConcernError):
        return True
    details = error.details or {}
    codes = {error.code, *(write.get("code") for write in details.get("writeErrors", ()))}
    return bool(details.get("writeConcernErrors")) or not codes.isdisjoint(UNAVAILABLE_CODES)
