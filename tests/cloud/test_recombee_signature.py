"""Signatures at the local Recombee, and requests that no SDK would send."""

import hmac
import json
import socket
import time
from collections.abc import Iterator
from hashlib import sha1

import httpx
import pytest
from recombee_api_client.api_requests import AddItem, AddItemProperty, ListItems, ResetDatabase, SetItemValues

from tests.cloud.recombee_service import RecombeeService, client_of, running_recombee, settings_in


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecombeeService]:
    with running_recombee(settings_in(tmp_path_factory.mktemp("recombee"))) as running:
        yield running


@pytest.fixture
def recombee(service: RecombeeService) -> RecombeeService:
    service.send(ResetDatabase())
    return service


def signed(recombee: RecombeeService, path: str, *, token: str | None = None, age_seconds: float = 0) -> str:
    """The URL of a request to `path`, with its query if it has one."""
    target = f"/{recombee.settings.recombee_database_id}{path}"
    target += f"{'&' if '?' in target else '?'}hmac_timestamp={int(time.time() - age_seconds)}"
    key = token or recombee.settings.recombee_private_token
    signature = hmac.new(key.encode(), target.encode(), sha1).hexdigest()
    return f"http://{recombee.host}{target}&hmac_sign={signature}"


def test_wrong_token_is_refused(recombee: RecombeeService) -> None:
    with_another_token = client_of(recombee.host, recombee.settings, token="another")
    other = RecombeeService(recombee.host, recombee.settings, with_another_token)
    assert other.status(AddItem("song")) == 401
    assert other.status(ResetDatabase()) == 401
    assert recombee.send(ListItems()) == []


@pytest.mark.parametrize("age_seconds", [-60, 60])
def test_signature_of_another_time_is_refused(recombee: RecombeeService, age_seconds: float) -> None:
    response = httpx.put(signed(recombee, "/items/song", age_seconds=age_seconds), json={}, timeout=30)
    assert response.status_code == 401
    assert response.json()["statusCode"] == 401


def test_request_changed_after_signing_is_refused(recombee: RecombeeService) -> None:
    url = signed(recombee, "/items/list/?count=1")
    assert httpx.get(url, timeout=30).status_code == 200
    assert httpx.get(url.replace("count=1", "count=9"), timeout=30).status_code == 401
    assert httpx.get(url.replace("/items/", "/users/"), timeout=30).status_code == 401
    assert httpx.get(url + "0", timeout=30).status_code == 401


def test_unsigned_request_is_refused(recombee: RecombeeService) -> None:
    base = f"http://{recombee.host}/{recombee.settings.recombee_database_id}/items/list/"
    for query in ("", "?hmac_timestamp=1", "?hmac_sign=00", "?hmac_timestamp=x&hmac_sign=00", "?&hmac_sign="):
        assert httpx.get(base + query, timeout=30).status_code == 401


def test_signature_covers_the_path_as_sent(recombee: RecombeeService) -> None:
    """The SDK pastes ids into paths as they are, and its HTTP library quotes them after they were signed."""
    assert recombee.status(AddItem("two words")) == 401


def test_quoted_filter_keeps_its_signature(recombee: RecombeeService) -> None:
    recombee.send(AddItemProperty("title", "string"))
    recombee.send(SetItemValues("song", {"title": "50 % & more + ünïcode"}, cascade_create=True))
    assert recombee.send(ListItems(filter="'title' == \"50 % & more + ünïcode\"")) == ["song"]


def test_other_calls_are_not_implemented(recombee: RecombeeService) -> None:
    assert httpx.get(signed(recombee, "/nothing/here/"), timeout=30).status_code == 501
    assert httpx.put(signed(recombee, "/items/a/b"), json={}, timeout=30).status_code == 501
    assert httpx.get(signed(recombee, "/purchases/"), timeout=30).status_code == 501
    assert httpx.get(f"http://{recombee.host}/another-database/items/list/", timeout=30).status_code == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_body_without_json_object_is_refused(recombee: RecombeeService, body: bytes) -> None:
    response = httpx.post(signed(recombee, "/items/song"), content=body, timeout=30)
    assert response.status_code == 400
    assert response.json()["statusCode"] == 400


def test_oversized_body_is_refused(recombee: RecombeeService) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(33):
            yield b" " * 1024 * 1024

    assert httpx.post(signed(recombee, "/batch/"), content=endless(), timeout=30).status_code == 413
    assert recombee.send(AddItem("song")) == "ok"


def test_aborted_request_changes_nothing(recombee: RecombeeService) -> None:
    target = httpx.URL(signed(recombee, "/items/half")).raw_path
    body = b'{"!cascadeCreate": true}'
    with socket.create_connection(
        (recombee.host.split(":")[0], int(recombee.host.split(":")[1])), 5
    ) as client:
        client.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n%s" % (target, body))
    assert recombee.send(ListItems()) == []


def test_invalid_unicode_is_tolerated(recombee: RecombeeService) -> None:
    recombee.send(AddItemProperty("title", "string"))
    body = b'{"title": "\\ud800", "!cascadeCreate": true}'
    assert httpx.post(signed(recombee, "/items/song"), content=body, timeout=30).status_code == 200
    response = httpx.get(signed(recombee, "/items/song"), timeout=30)
    assert json.loads(response.content)["title"] == "\ud800"


def test_excessive_numbers_are_refused(recombee: RecombeeService) -> None:
    recombee.send(AddItemProperty("year", "int"))
    huge = "9" * 400
    response = httpx.post(
        signed(recombee, "/items/song"), content=f'{{"year": {huge}, "!cascadeCreate": true}}'
    )
    assert response.status_code == 400
    play = f'{{"userId": "a", "itemId": "b", "cascadeCreate": true, "timestamp": {huge}}}'
    assert httpx.post(signed(recombee, "/detailviews/"), content=play, timeout=30).status_code == 400
