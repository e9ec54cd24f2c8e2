"""Builds the dependencies that every service names in its `dependencies.py`."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import AfterValidator

from shared.errors import NotFoundError
from shared.ids import is_id

Resources = TypeVar("Resources")
Part = TypeVar("Part")

AN_ID = "24 hexadecimal characters"
"""How OpenAPI describes an id."""


def part_of(
    resources: Callable[[Request], Resources], read: Callable[[Resources], Part]
) -> Callable[[Request], Awaitable[Part]]:
    """A dependency on what `read` returns of the resources of the request."""

    async def dependency(request: Request) -> Part:
        return read(resources(request))

    return dependency


def checked_id(not_found: Callable[[], NotFoundError]) -> AfterValidator:
    """Accepts an id in upper or lower case. A malformed one belongs to nothing, so it raises `not_found`."""

    def check(text: str) -> str:
        if not is_id(text):
            raise not_found()
        return text.lower()

    return AfterValidator(check)
