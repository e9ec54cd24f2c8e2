"""Answers whose JSON is ready: with an `ETag`, and 304 for whoever has it already."""

import hashlib
from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from shared.http.pagination import Page, next_link
from shared.http.rows import Rows

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


def json_answer(request: Request, body: bytes, headers: dict[str, str] | None = None) -> Response:
    """`body` as JSON. Clients may keep what they got, and must ask each time whether it is still so."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    given = {**_HEADERS, "ETag": tag, **(headers or {})}
    if request.method == "GET" and _is_kept_by_client(request, tag):
        return Response(status_code=304, headers=given)
    return Response(body, headers=given, media_type="application/json")


def _is_kept_by_client(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names it, or is `*`: whatever there is."""
    sent = request.headers.get("if-none-match", "")
    return sent.strip() == "*" or tag in {each.strip().removeprefix("W/") for each in sent.split(",")}


def list_answer(
    request: Request, rows: Rows, page: Page, total: int | None = None, filters: Collection[str] = ()
) -> Response:
    """A JSON array, with the address of the next page and the whole count in headers.

    `filters` are the query parameters that chose what is listed.
    """
    headers: dict[str, str] = {}
    if rows.next_cursor is not None:
        headers["Link"] = next_link(request, rows.next_cursor, page.limit, filters)
    if total is not None:
        headers["X-Total-Count"] = str(total)
    return json_answer(request, rows.to_json(), headers)
