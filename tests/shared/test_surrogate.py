"""The surrogate headers: for whom, and for how long, the gateway may cache a response."""

import time
from dataclasses import replace

from starlette.requests import Request

from shared.access.caller import CREDENTIALS, Caller, Credentials
from shared.access.permissions import Role
from shared.cache.entry import Content, Loaded
from shared.http.surrogate import MAX_TAGS, marks_of

VERSIONS = {"everything": b"e1", "song:1": b"a1"}
OWN_VERSIONS = {"everything": b"e1", "user:ada": b"b1"}


def content(
    seconds: float = 300, *, is_shared: bool = False, versions: dict[str, bytes] | None = None
) -> Content:
    return Content.of(Loaded(b"{}"), versions or VERSIONS, time.time() + seconds, is_shared=is_shared)


def ada(known_seconds: float = 60, versions: dict[str, bytes] | None = None) -> Caller:
    read_as = Content.of(Loaded(b"{}"), versions or OWN_VERSIONS, time.time() + known_seconds)
    return Caller("a" * 24, "ada", "Ada", Role.USER, is_blocked=False, token="", read_as=read_as)


def a_request(caller: Caller | None = None, seconds: float = 50, *, were_optional: bool = True) -> Request:
    """Of `caller`, whose token is valid for `seconds`."""
    credentials = Credentials(time.time() + seconds, caller, were_optional=were_optional)
    headers = [(b"authorization", b"Bearer token")]
    return Request({"type": "http", "headers": headers, CREDENTIALS: credentials})


ANONYMOUS = Request({"type": "http", "headers": []})


def seconds_of(marks: dict[str, str]) -> int:
    return int(marks["Surrogate-Control"].rpartition("max-age=")[2])


def test_shared_content_is_marked_shared() -> None:
    marks = marks_of(ANONYMOUS, content(is_shared=True))
    assert marks.keys() == {"Surrogate-Control", "Surrogate-Key"}
    assert marks["Surrogate-Control"].startswith("shared, ")
    assert marks["Surrogate-Key"] == "everything=e1 song:1=a1"
    assert 290 < seconds_of(marks) < 300


def test_token_is_vouched_for_until_it_expires() -> None:
    said = marks_of(a_request(ada()), content(is_shared=True))["Surrogate-Token"]
    validity, _, owner = said.partition(", ")
    assert 45 < int(validity.removeprefix("max-age=")) < 50
    assert owner == f"caller={'a' * 24} everything=e1 user:ada=b1"
    assert "Surrogate-Token" not in marks_of(a_request(ada(), seconds=0.5), content(is_shared=True))


def test_users_with_something_else_are_named() -> None:
    marks = marks_of(ANONYMOUS, replace(content(is_shared=True), not_for=("a1", "b2")))
    assert marks["Surrogate-Not-For"] == "a1 b2"


def test_content_of_a_protected_route_is_never_shared() -> None:
    marks = marks_of(a_request(ada(), were_optional=False), content(is_shared=True))
    assert "shared" not in marks["Surrogate-Control"]
    assert "user:ada=b1" in marks["Surrogate-Key"]


def test_private_content_depends_on_owner_and_token() -> None:
    marks = marks_of(a_request(ada()), content())
    assert "shared" not in marks["Surrogate-Control"]
    assert marks["Surrogate-Key"] == "everything=e1 song:1=a1 user:ada=b1"
    assert 45 < seconds_of(marks) < 50
    assert seconds_of(marks_of(a_request(ada(known_seconds=10)), content())) < 10
    assert seconds_of(marks_of(a_request(ada()), content(20))) < 20


def test_private_content_of_unknown_owners_is_not_kept() -> None:
    uncached = replace(ada(), read_as=None)
    for caller in (None, uncached):
        assert marks_of(a_request(caller), content()) == {}


def test_versions_that_cannot_be_current_together_keep_nothing() -> None:
    other = ada(versions={"everything": b"e2", "user:ada": b"b1"})
    assert marks_of(a_request(other), content()) == {}


def test_content_that_is_not_cached_is_not_kept() -> None:
    for each in (Content.of(Loaded(b"{}")), content(0.5), content(-1)):
        assert marks_of(ANONYMOUS, replace(each, is_shared=True)) == {}
        assert marks_of(a_request(ada()), each) == {}


def test_content_with_many_tags_is_not_kept() -> None:
    tags = {f"song:{number}": b"1" for number in range(MAX_TAGS)}
    assert marks_of(ANONYMOUS, content(is_shared=True, versions=tags))
    assert marks_of(ANONYMOUS, content(is_shared=True, versions={**tags, "more": b"1"})) == {}


def test_own_content_needs_no_further_owner() -> None:
    own = content(versions=OWN_VERSIONS)
    marks = marks_of(a_request(were_optional=False), own, is_own=True)
    assert marks["Surrogate-Key"] == "everything=e1 user:ada=b1"
