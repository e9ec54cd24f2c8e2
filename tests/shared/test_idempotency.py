"""Requests that are repeated with the same Idempotency-Key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.access.caller import InvalidTokenError
from shared.errors import AppError, ConflictError, InvalidError, UnavailableError, UnsupportedMediaError
from shared.http.idempotency_keys import KEPT_SECONDS, PENDING_SECONDS
from tests.shared.idempotent_world import World


@pytest.fixture
def world() -> World:
    return World()


async def test_repeated_request_gets_the_stored_response(world: World) -> None:
    first = await world.post(json={"name": "a", "n": 1})
    again = await world.post(content=b'{"n":1,  "name":"a"}', headers={"Content-Type": "application/json"})
    assert (first.status_code, first.json()) == (201, {"made": "a 1"})
    assert (again.status_code, again.json()) == (201, {"made": "a 1"})
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (
        None,
        "true",
    )
    assert world.made == ["a"]


async def test_request_without_a_key_is_executed_again(world: World) -> None:
    for number in (1, 2):
        assert (await world.post(key=None, json={})).json() == {"made": f"a {number}"}
    assert world.store.entries == {}


async def test_headers_of_a_response_are_stored(world: World) -> None:
    for _ in range(2):
        response = await world.post("/things/7/copy")
        assert (response.status_code, response.text) == (202, "7 1")
        assert response.headers["location"] == "/things/7"


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/things", {"json": {"name": "b"}}),
        ("/things/7/copy", {"json": {"name": "a"}}),
    ],
)
async def test_key_of_another_request_is_refused(world: World, path: str, options: dict[str, Any]) -> None:
    await world.post(json={"name": "a"})
    refused = await world.post(path, **options)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert world.made == ["a"]


async def test_response_never_reaches_another_caller(world: World) -> None:
    assert (await world.post(json={}, user="ada")).json() == {"made": "a 1"}
    assert (await world.post(json={}, user="bob")).json() == {"made": "a 2"}
    assert (await world.post(json={}, user=None)).status_code == 401
    assert (await world.post(json={}, user="bad")).status_code == 401
    for user, key in (("a", '"]k'), ('a"', "]k"), ("ada", "k")):
        assert (await world.post(json={}, user=user, key=key)).status_code == 201


async def test_entry_of_another_caller_is_not_replayed(world: World) -> None:
    """Were two callers ever to share a name in the store."""
    await world.post(json={}, user="ada")
    (kept,) = world.store.entries.values()
    await world.post(json={}, user="bob", key="other")
    world.store.entries = dict.fromkeys(world.store.entries, kept)
    assert (await world.post(json={}, user="bob", key="other")).status_code == 422


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "a\x7f", "\u00e9"])
async def test_malformed_key_is_refused(world: World, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    refused = await world.post(key=None, json={}, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    assert (await world.post(key=None, user=None, json={}, headers=headers)).status_code == 401
    assert world.made == []


@pytest.mark.parametrize("key", ["x" * 255, "!", "~", '{"a":1}'])
async def test_any_visible_key_is_accepted(world: World, key: str) -> None:
    for _ in range(2):
        assert (await world.post(key=key, json={})).json() == {"made": "a 1"}


async def test_request_in_progress_is_a_conflict(world: World) -> None:
    world.may_go_on.clear()
    first = asyncio.create_task(world.post(json={}))
    await world.entered.wait()
    refused = await world.post(json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_in_use")
    assert int(refused.headers["retry-after"]) > 0
    world.may_go_on.set()
    assert (await first).json() == (await world.post(json={})).json() == {"made": "a 1"}


async def test_twenty_requests_at_once_have_one_effect(world: World) -> None:
    responses = await asyncio.gather(*(world.post(json={}) for _ in range(20)))
    assert {response.status_code for response in responses} <= {201, 409}
    assert {response.text for response in responses if response.status_code == 201} == {'{"made":"a 1"}'}
    assert world.made == ["a"]


def form(boundary: str, name: str, image: str) -> dict[str, Any]:
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    body = f'{head}"name"\r\n\r\n{name}\r\n'
    body += f'{head}"image"; filename="{boundary}"\r\n\r\n{image}\r\n--{boundary}--\r\n'
    return {"content": body, "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


async def test_forms_are_compared_by_fields_and_files(world: World) -> None:
    first = await world.post("/forms", **form("x", "a", "picture"))
    again = await world.post("/forms", **form("yy", "a", "picture"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() == {"made": "apicture 1"}
    for other in (form("x", "b", "picture"), form("x", "a", "other picture")):
        assert (await world.post("/forms", **other)).json()["code"] == "idempotency_key_reused"
    assert world.made == ["apicture"]


async def test_form_in_progress_is_refused_before_its_body(world: World) -> None:
    world.may_go_on.clear()
    first = asyncio.create_task(world.post("/forms", **form("x", "a", "picture")))
    await world.entered.wait()

    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"--x"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await world.post("/forms", content=body(), headers=headers)).status_code == 409
    assert read == []
    world.may_go_on.set()
    assert (await first).status_code == 201


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (ConflictError("Not now"), 409),
        (UnavailableError("Later"), 503),
        (InvalidTokenError(), 401),
        (RuntimeError("an internal error"), 500),
    ],
)
async def test_transient_refusal_is_not_stored(world: World, failure: BaseException, status: int) -> None:
    world.failure = failure
    assert (await world.post(json={})).status_code == status
    world.failure = None
    assert (await world.post(json={})).json() == {"made": "a 1"}


@pytest.mark.parametrize(
    ("failure", "status"), [(UnsupportedMediaError("No audio"), 415), (InvalidError("No title"), 422)]
)
async def test_permanent_refusal_is_stored(world: World, failure: AppError, status: int) -> None:
    world.failure = failure
    first = await world.post(json={}, headers={"X-Request-ID": "first"})
    world.failure = None
    again = await world.post(json={}, headers={"X-Request-ID": "again"})
    assert (first.status_code, again.status_code) == (status, status)
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json() == {**first.json(), "requestId": "again"}
    assert world.made == []


async def test_request_is_served_while_the_store_is_down(world: World) -> None:
    world.store.is_down = True
    for number in (1, 2):
        assert (await world.post(json={})).json() == {"made": f"a {number}"}


async def test_store_failure_during_a_request_is_tolerated(world: World) -> None:
    world.may_go_on.clear()
    first = asyncio.create_task(world.post(json={}))
    await world.entered.wait()
    world.store.is_down = True
    world.may_go_on.set()
    assert (await first).status_code == 201


async def test_key_of_a_crashed_request_expires_soon(world: World) -> None:
    world.may_go_on.clear()
    first = asyncio.create_task(world.post(json={}))
    await world.entered.wait()
    assert set(world.store.ttls.values()) == {PENDING_SECONDS}
    world.store.forget_after(PENDING_SECONDS)
    world.may_go_on.set()
    assert (await first).status_code == 201
    assert (await world.post(json={})).json() == {"made": "a 2"}
    assert set(world.store.ttls.values()) == {KEPT_SECONDS}


async def test_stored_responses_of_a_caller_are_deleted(world: World) -> None:
    for user in ("ada", "bo"):
        for key in ("one", "two"):
            assert (await world.post(json={}, user=user, key=key)).status_code == 201
    await world.keys.forget("ada")
    assert len(world.store.entries) == 2
    assert (await world.post(json={}, user="ada", key="one")).json() == {"made": "a 5"}
    assert (await world.post(json={}, user="bo", key="two")).json() == {"made": "a 4"}
    world.store.is_down = True
    with pytest.raises(UnavailableError):
        await world.keys.forget("ada")


async def test_large_response_is_not_stored(world: World) -> None:
    for number in (1, 2):
        assert (await world.post("/large")).text.startswith(f"x {number}")


async def test_reads_and_routes_with_own_keys_bypass_it(world: World) -> None:
    assert (await world.post("/batch", user=None)).json() == "read 1"
    assert (await world.post("/batch")).json() == "read 2"
    assert (await world.post("/own")).json() == "own 3"
    assert (await world.post("/own")).json() == "own 4"
    assert world.store.entries == {}
