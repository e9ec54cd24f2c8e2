"""The forwarded headers and the request id that a service gets."""

from ipaddress import ip_network

import pytest

from api_gateway.headers import client_address, is_trusted
from tests.gateway.exchange import exchange
from tests.gateway.services import plain


async def test_forwarded_headers_name_client_and_host() -> None:
    received, _ = await exchange("GET", "/api/songs")
    assert received.headers.get("x-forwarded-for") == "127.0.0.1"
    assert received.headers.get("x-forwarded-proto") == "http"
    assert received.headers.get("x-forwarded-host") == "gateway.test"
    assert (received.headers.get("host") or "").startswith("127.0.0.1:")


FORGED = (
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.test",
    "X-Forwarded-User: admin",
    "X-Forwarded-Prefix: /x",
    "Forwarded: for=6.6.6.6",
    "X-Real-IP: 6.6.6.6",
    "X-User-Id: 1",
    "X-User: 1",
    "X_User_Role: admin",
    "X-Internal-Token: 1",
    "X-Authenticated-User: admin",
    "X-Auth-Request-Email: admin@demo.local",
    "Remote-User: admin",
    "X-Remote-User: admin",
)


async def test_forged_identity_headers_are_removed() -> None:
    received, _ = await exchange(
        "GET", "/api/songs", *FORGED, "x-clerk-session-id: sess_1", "X-Username-Hint: kept"
    )
    assert received.headers.names == {
        "host",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id",
        "x-clerk-session-id",
        "x-username-hint",
    }
    assert received.headers.get("x-forwarded-for") == "127.0.0.1"
    assert received.headers.get("x-forwarded-proto") == "http"
    assert received.headers.get("x-forwarded-host") == "gateway.test"
    assert received.headers.get("x-clerk-session-id") == "sess_1"


async def test_trusted_proxy_sets_only_forwarded_headers() -> None:
    received, _ = await exchange("GET", "/api/songs", *FORGED, trusted_proxies="10.0.0.0/8, 127.0.0.1")
    assert received.headers.get("x-forwarded-for") == "6.6.6.6, 127.0.0.1"
    assert received.headers.get("x-forwarded-proto") == "https"
    assert received.headers.get("x-forwarded-host") == "evil.test"
    assert received.headers.names == {
        "host",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id",
    }


async def test_request_id_is_relayed_and_returned_once() -> None:
    received, got = await exchange(
        "GET", "/api/songs", "X-Request-ID: abc-1", response=plain(b"{}", "X-Request-ID: another")
    )
    assert received.headers.get("x-request-id") == got.headers.get("x-request-id") == "abc-1"


async def test_malformed_request_id_is_replaced() -> None:
    received, got = await exchange("GET", "/api/songs", "X-Request-ID: a b")
    made = received.headers.get("x-request-id")
    assert made == got.headers.get("x-request-id")
    assert made not in (None, "a b", "")


async def test_untrusted_proxy_headers_are_ignored() -> None:
    received, _ = await exchange("GET", "/api/songs", *FORGED, trusted_proxies="10.0.0.0/8, ::1")
    assert received.headers.get("x-forwarded-for") == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "networks", "trusted"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("fd00::1", ["10.0.0.0/8", "fd00::/8"], True),
        ("10.1.2.3", [], False),
        ("", ["10.0.0.0/8"], False),
        ("unix:", ["10.0.0.0/8"], False),
    ],
)
def test_trusted_networks_decide_who_is_a_proxy(address: str, networks: list[str], trusted: bool) -> None:
    assert is_trusted(address, [ip_network(each) for each in networks]) == trusted


PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]


@pytest.mark.parametrize(
    ("values", "address"),
    [
        (["1.2.3.4"], "1.2.3.4"),
        (["1.2.3.4, 10.0.0.1"], "1.2.3.4"),
        (["6.6.6.6, 1.2.3.4", "10.0.0.1, 10.0.0.2"], "1.2.3.4"),
        (["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        (["1.2.3.4:1000"], "1.2.3.4"),
        (["[2001:0DB8:1::5]:1000"], "2001:db8:1::5"),
        (["2001:db8:1:0::5, 2001:db8:ffff::1"], "2001:db8:1::5"),
        (["::ffff:1.2.3.4"], "1.2.3.4"),
        (["unknown"], "unknown"),
        ([], None),
    ],
)
def test_client_address_is_the_last_that_is_not_a_proxys(values: list[str], address: str | None) -> None:
    headers = [(b"x-forwarded-for", each.encode()) for each in values]
    assert client_address(headers, PROXIES) == address
