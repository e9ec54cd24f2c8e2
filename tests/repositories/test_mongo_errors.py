"""Every driver error is translated, or deliberately passed through."""

from collections.abc import Iterator

import bson.errors
import pymongo.errors
import pymongo.pool_shared
import pytest
from structlog.testing import capture_logs

from shared.errors import UnavailableError
from shared.providers.mongo_errors import (
    REFUSED_CODES,
    UNAVAILABLE_CODES,
    DuplicateDocumentError,
    store_errors,
)

TRANSLATED: list[tuple[Exception, type[Exception]]] = [
    (pymongo.errors.ConnectionFailure("gone"), UnavailableError),
    (pymongo.errors.AutoReconnect("gone"), UnavailableError),
    (pymongo.errors.NetworkTimeout("late"), UnavailableError),
    (pymongo.errors.NotPrimaryError("another is"), UnavailableError),
    (pymongo.errors.ServerSelectionTimeoutError("none"), UnavailableError),
    (pymongo.errors.WaitQueueTimeoutError("busy"), UnavailableError),
    (pymongo.errors._OperationCancelled("closed"), UnavailableError),
    (pymongo.errors.ExecutionTimeout("late", 50), UnavailableError),
    (pymongo.errors.CursorNotFound("forgotten", 43), UnavailableError),
    (pymongo.errors.WriteConcernError("too few", 100), UnavailableError),
    (pymongo.errors.WTimeoutError("late", 64), UnavailableError),
    (pymongo.errors.ProtocolError("nonsense"), UnavailableError),
    (pymongo.pool_shared._PoolClosedError("a server left"), UnavailableError),
    (pymongo.errors.PyMongoError("something"), UnavailableError),
    (pymongo.errors.DuplicateKeyError("taken", 11000), DuplicateDocumentError),
]
# Our own command, document or configuration is wrong: asking again is of no use, and somebody must see it.
LET_THROUGH: list[Exception] = [
    pymongo.errors.OperationFailure("unknown operator", 2),
    pymongo.errors.WriteError("document failed validation", 121),
    pymongo.errors.BulkWriteError({"writeErrors": [{"code": 121}]}),
    pymongo.errors.ClientBulkWriteException({}, False),
    pymongo.errors.ConfigurationError("no such option"),
    pymongo.errors.InvalidURI("no scheme"),
    pymongo.errors.InvalidName("$"),
    pymongo.errors.InvalidOperation("closed"),
    pymongo.errors.CollectionInvalid("there already"),
    pymongo.errors.DocumentTooLarge("16 MB"),
    pymongo.errors.EncryptionError(Exception("no key")),
    pymongo.errors.EncryptedCollectionError(Exception("no key"), {}),
    bson.errors.BSONError("wrong"),
    bson.errors.InvalidBSON("wrong"),
    bson.errors.InvalidStringData("wrong"),
    bson.errors.InvalidDocument("wrong"),
    bson.errors.InvalidId("wrong"),
]


def all_kinds(kind: type[Exception]) -> Iterator[type[Exception]]:
    if kind.__module__.startswith(("pymongo.", "bson.")):
        yield kind
    for each in kind.__subclasses__():
        yield from all_kinds(each)


def test_every_driver_error_is_listed() -> None:
    known = {type(error) for error, _ in TRANSLATED} | {type(error) for error in LET_THROUGH}
    assert {*all_kinds(pymongo.errors.PyMongoError), *all_kinds(bson.errors.BSONError)} == known


@pytest.mark.parametrize(("error", "expected"), TRANSLATED, ids=lambda each: getattr(each, "__name__", None))
def test_server_errors_are_translated(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as returned, store_errors():
        raise error
    assert str(error) not in str(returned.value)


@pytest.mark.parametrize("error", LET_THROUGH, ids=lambda error: type(error).__name__)
def test_programming_errors_pass_through(error: Exception) -> None:
    with pytest.raises(type(error)) as passed, store_errors():
        raise error
    assert passed.value is error


@pytest.mark.parametrize("code", sorted(UNAVAILABLE_CODES))
def test_transient_error_codes_mean_unavailable(code: int) -> None:
    for error in (
        pymongo.errors.OperationFailure("later", code),
        pymongo.errors.WriteError("later", code),
        pymongo.errors.BulkWriteError({"writeErrors": [{"code": 121}, {"code": code}]}),
    ):
        with pytest.raises(UnavailableError), store_errors():
            raise error


@pytest.mark.parametrize("code", sorted(REFUSED_CODES))
def test_refused_credentials_mean_unavailable_and_are_logged(code: int) -> None:
    with capture_logs() as logged, pytest.raises(UnavailableError), store_errors():
        raise pymongo.errors.OperationFailure("Authentication failed for ada", code)
    assert logged == [{"event": "database refuses access", "code": code, "log_level": "error"}]


def test_unconfirmed_bulk_writes_are_unavailable() -> None:
    error = pymongo.errors.BulkWriteError(
        {
            "writeErrors": [],
            "writeConcernErrors": [{"code": 64, "errmsg": "waiting for replication timed out"}],
        }
    )
    with pytest.raises(UnavailableError), store_errors():
        raise error
