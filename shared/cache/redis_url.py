"""The address of Redis in one URL. No error says any part of it, since it may contain a password.

| URL | what |
|---|---|
| `redis://[user:password@]host:6379/0`, `rediss://…` with TLS | one server |
| `redis+sentinel://host:26379,host:26379/master/0` | the current master of that name |
| `redis+cluster://host:6379,host:6379` | a cluster; the hosts are its seed nodes |

`rediss+sentinel` and `rediss+cluster` use TLS. Credentials are those of the server, not of the Sentinels.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

_ENCODE: Final = "special characters of user name and password have to be percent-encoded"
_HOST: Final = re.compile(
    r"(?P<host>[\w.-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?", re.ASCII | re.IGNORECASE
)


class Topology(StrEnum):
    """How the servers are arranged."""

    SERVER = ""
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_DEFAULT_PORTS: Final = {Topology.SERVER: 6379, Topology.SENTINEL: 26379, Topology.CLUSTER: 6379}
_PATHS: Final = {
    Topology.SERVER: (re.compile(r"/?[0-9]*/?"), "redis://host:port/database"),
    Topology.SENTINEL: (re.compile(r"/[^/@]+(/[0-9]*)?/?"), "redis+sentinel://host:port/master/database"),
    Topology.CLUSTER: (re.compile(r"/?0?/?"), "redis+cluster://host:port"),
}


@dataclass(frozen=True, slots=True)
class ParsedRedisUrl:
    """What a URL says. `master` is the name that Sentinels know; `credentials` are username and password."""

    topology: Topology
    has_tls: bool
    hosts: Sequence[tuple[str, int]]
    master: str
    database: int
    credentials: Mapping[str, str] = field(repr=False)


def parse_redis_url(url: str) -> ParsedRedisUrl:
    """The address in a URL.

    Raises:
        ValueError: it has none of the forms above.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"is not a URL; {_ENCODE}") from None
    scheme, _, kind = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or kind not in list(Topology):
        raise ValueError("must be redis://, rediss://, redis+sentinel:// or redis+cluster://")
    topology = Topology(kind)
    hosts = _hosts(parts, topology)
    path, form = _PATHS[topology]
    # Unencoded, they would end the password: what follows would be path, query or fragment.
    if not path.fullmatch(parts.path) or "#" in url or "@" in parts.query:
        raise ValueError(f"is not {form}; {_ENCODE}")
    names = parts.path.strip("/").split("/")
    return ParsedRedisUrl(
        topology,
        scheme == "rediss",
        hosts,
        master=names[0] if topology is Topology.SENTINEL else "",
        database=int((names[1:] or ["0"])[0] if topology is Topology.SENTINEL else names[0] or 0),
        credentials=_credentials(parts),
    )


def _hosts(parts: SplitResult, topology: Topology) -> list[tuple[str, int]]:
    """`[user:password@]host:port,host:port`: the hosts with their ports."""
    found = []
    given = parts.netloc.rpartition("@")[2]
    for each in given.split(",") if topology is not Topology.SERVER else [given]:
        address = _HOST.fullmatch(each)
        if address is None:
            raise ValueError(f"names no host, or a port that is not a number; {_ENCODE}")
        port = int(address["port"] or _DEFAULT_PORTS[topology])
        if not 1 <= port <= 65535:
            raise ValueError("names a port that is not between 1 and 65535")
        found.append((address["host"].strip("[]").lower(), port))
    return found


def _credentials(parts: SplitResult) -> dict[str, str]:
    given, _, _ = parts.netloc.rpartition("@")
    username, _, password = given.partition(":")
    found = {"username": unquote(username), "password": unquote(password)}
    return {name: value for name, value in found.items() if value}
