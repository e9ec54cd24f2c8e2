"""Cursors and pages."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from shared.clock import from_millis
from shared.errors import InvalidError
from shared.http.pagination import Cursor, Page, Slice, next_link, split_page

IDS = st.from_regex(r"[0-9a-f]{24}", fullmatch=True)
MOMENTS = st.integers(0, 4_000_000_000_000).map(from_millis)


@dataclass(frozen=True)
class Entry:
    id: str
    created_at: datetime


def entries(count: int) -> list[Entry]:
    return [Entry(f"{number:024x}", from_millis(1_700_000_000_000 - number)) for number in range(count)]


@given(created_at=MOMENTS, entry_id=IDS)
def test_a_cursor_comes_back_as_it_went(created_at: datetime, entry_id: str) -> None:
    cursor = Cursor(created_at, entry_id)
    assert Cursor.from_text(cursor.to_text()) == cursor


@given(text=st.text(max_size=60))
def test_what_is_no_cursor_is_refused_and_breaks_nothing(text: str) -> None:
    found: Cursor | InvalidError
    try:
        found = Cursor.from_text(text)
    except InvalidError as refused:
        found = refused
    if isinstance(found, Cursor):
        assert Cursor.from_text(found.to_text()) == found
    else:
        assert [each.field for each in found.errors] == ["cursor"]


def test_a_full_page_names_the_next_and_the_last_does_not() -> None:
    shown, cursor = split_page(entries(3), Slice(3))
    assert len(shown) == 2
    assert cursor == Cursor.of(shown[-1]).to_text()
    assert split_page(entries(2), Slice(3)) == (entries(2), None)
    assert split_page([], Slice(3)) == ([], None)


def test_a_list_without_a_limit_is_cut_at_the_longest() -> None:
    assert Page(None, None, total=False).to_slice(1000) == Slice(1001)
    assert Page(20, None, total=False).to_slice(1000) == Slice(21)


def request(query: str) -> Request:
    return Request({"type": "http", "query_string": query.encode(), "headers": [], "path": "/songs"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=2", '<?limit=2&cursor=abc>; rel="next"'),
        ("role=user&limit=2&cursor=old&total=true", '<?role=user&total=true&limit=2&cursor=abc>; rel="next"'),
        ("q=a%26b&limit=2", '<?q=a%26b&limit=2&cursor=abc>; rel="next"'),
    ],
)
def test_the_next_page_keeps_what_else_was_asked(query: str, expected: str) -> None:
    assert next_link(request(query), "abc", 2, ("role", "q")) == expected


@pytest.mark.parametrize("ignored", ["x=" + "," * 25_000, "q=" + "," * 25_000, "x=1&" * 10_000])
def test_what_a_route_ignores_makes_the_link_no_longer(ignored: str) -> None:
    query = f"limit=2&{ignored}&role=user"
    assert next_link(request(query), "abc", 2, ("role",)) == '<?role=user&limit=2&cursor=abc>; rel="next"'


def test_of_what_was_said_often_the_link_keeps_what_counted() -> None:
    said = request("role=admin&" * 10_000 + "role=user&limit=2")
    assert next_link(said, "abc", 2, ("role",)) == '<?role=user&limit=2&cursor=abc>; rel="next"'
