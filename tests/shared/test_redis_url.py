"""What a URL of Redis says."""

import pytest

from shared.cache.redis_url import Topology, parse_redis_url


@pytest.mark.parametrize(
    ("url", "hosts", "database"),
    [
        ("redis://cache", [("cache", 6379)], 0),
        ("redis://cache:7/3", [("cache", 7)], 3),
        ("redis://[::1]:7/", [("::1", 7)], 0),
        ("redis://cache:7/0?health_check_interval=3", [("cache", 7)], 0),
        ("redis+sentinel://a,b:7/music", [("a", 26379), ("b", 7)], 0),
        ("redis+sentinel://a/music/2", [("a", 26379)], 2),
        ("redis+cluster://a,b:7", [("a", 6379), ("b", 7)], 0),
    ],
)
def test_url_names_hosts_and_database(url: str, hosts: list[tuple[str, int]], database: int) -> None:
    address = parse_redis_url(url)
    assert (address.hosts, address.database, address.has_tls) == (hosts, database, False)
    assert parse_redis_url(url.replace("redis", "rediss", 1)).has_tls


def test_sentinel_url_names_master_and_credentials() -> None:
    address = parse_redis_url("rediss+sentinel://ada:p%2Fss@a/music/0")
    assert (address.topology, address.master) == (Topology.SENTINEL, "music")
    assert address.credentials == {"username": "ada", "password": "p/ss"}
    assert "p/ss" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://cache",
        "redis+other://cache",
        "cache:6379",
        "redis://",
        "redis://a,b",
        "redis://cache:port",
        "redis://cache:0",
        "redis://cache:65536",
        "redis://cache/name",
        "redis+sentinel://a",
        "redis+sentinel://a/music/name",
        "redis+cluster://a,",
        "redis+cluster://a/music",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be|is not|names"):
        parse_redis_url(url)
