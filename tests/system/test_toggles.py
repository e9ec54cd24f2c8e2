"""Toggles: an empty body flips, an explicit value is idempotent."""

import asyncio
from typing import Any

import pytest

from tests.system.media import make_album, upload
from tests.system.running import People, Person

TOGGLES = {
    "/songs/{song}/visibility": ("owner", "isPublic"),
    "/admin/songs/{song}/visible": ("admin", "isVisible"),
    "/albums/{album}/visibility": ("owner", "isPublic"),
    "/admin/albums/{album}/visible": ("admin", "isVisible"),
    "/admin/users/{user}/block": ("admin", "isBlocked"),
}


async def prepared(path: str, people: People) -> tuple[Person, str, str, bool]:
    """Who toggles, the address, the field, and what it is now."""
    owner, (who, field) = await people.artist(), TOGGLES[path]
    ids = {
        "song": (await upload(owner))["_id"] if "{song}" in path else "",
        "album": (await make_album(owner))["_id"],
        "user": (await people.user()).id,
    }
    person = owner if who == "owner" else await people.admin()
    return person, path.format(**ids), field, field != "isBlocked"


@pytest.mark.parametrize("path", TOGGLES)
async def test_empty_body_flips_the_toggle(path: str, people: People) -> None:
    person, address, field, now = await prepared(path, people)
    empty: tuple[dict[str, Any], ...] = (
        {},
        {"json": {}},
        {"content": b"", "headers": {"Content-Type": "application/json"}},
        {"content": b"null", "headers": {"Content-Type": "application/json"}},
        {"json": {"somethingElse": True}},
        {"data": {}, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    )
    for sent in empty:
        now = not now
        response = await person.patch(address, **sent)
        assert (response.status_code, response.json()[field]) == (200, now), sent


@pytest.mark.parametrize("path", TOGGLES)
async def test_explicit_value_is_idempotent(path: str, people: People) -> None:
    person, address, field, _ = await prepared(path, people)
    for wanted in (True, True, False, False, True):
        response = await person.patch(address, json={field: wanted})
        assert (response.status_code, response.json()[field]) == (200, wanted)


@pytest.mark.parametrize("path", TOGGLES)
async def test_concurrent_flips_are_never_lost(path: str, people: People) -> None:
    person, address, field, before = await prepared(path, people)
    responses = await asyncio.gather(*(person.patch(address) for _ in range(4)))
    flips = [response for response in responses if response.status_code == 200]
    assert {response.status_code for response in responses} <= {200, 409}
    last = await person.patch(address, json={field: before})
    assert last.status_code == 200
    shown = [response.json()[field] for response in flips]
    assert abs(shown.count(True) - shown.count(False)) <= 1
