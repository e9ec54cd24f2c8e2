"""Responses from encoded JSON: with an `ETag`, and 304 for clients whose copy is current."""

from collections.abc import Collection
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from shared.cache.entry import Content, Loaded
from shared.http.pagination import Page, next_link
from shared.http.rows import Rows
from shared.http.surrogate import marks_of

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


def json_response(
    request: Request, content: Content | bytes, headers: dict[str, str] | None = None
) -> Response:
    """The content as JSON. Clients may store it, and must revalidate it each time."""
    if isinstance(content, bytes):
        content = Content.of(Loaded(content))
    given = {**_HEADERS, "ETag": content.etag, **marks_of(request, content), **(headers or {})}
    if request.method == "GET" and _is_kept_by_client(request, content.etag):
        return Response(status_code=304, headers=given)
    return Response(content.body, headers=given, media_type="application/json")


def changed_response(content: Content, status_code: int = 200) -> Response:
    """What was created or changed, with the `ETag` that a next read or change may name."""
    return Response(content.body, status_code, {"ETag": content.etag}, "application/json")


def own_response(request: Request, content: Content) -> Response:
    """The caller's own data, as JSON: browsers do not store it.

    The content depends on the tag of that user.
    """
    marks = marks_of(request, content, is_own=True)
    headers = {"Cache-Control": "no-store", "Vary": "Authorization", **marks}
    return Response(content.body, headers=headers, media_type="application/json")


def _is_kept_by_client(request: Request, etag: str) -> bool:
    """Whether `If-None-Match` names this `ETag`, or is `*`."""
    sent = request.headers.get("if-none-match")
    if sent is None:
        return False
    return sent.strip() == "*" or etag in {each.strip().removeprefix("W/") for each in sent.split(",")}


def list_response(
    request: Request,
    rows: Content | Rows,
    page: Page,
    total: int | None = None,
    filters: Collection[str] = (),
) -> Response:
    """A JSON array, with the address of the next page and the whole count in headers.

    The `note` of a `Content` is the next cursor (`Rows.loaded`). `filters` are the query parameters that
    filter or sort the list.
    """
    if isinstance(rows, Rows):
        rows = rows.content()
    headers: dict[str, str] = {}
    if rows.note:
        headers["Link"] = next_link(request, rows.note, page.limit, filters)
    if total is not None:
        headers["X-Total-Count"] = str(total)
        rows = replace(rows, versions=None)  # the count depends on other, unknown tag versions
    return json_response(request, rows, headers)
