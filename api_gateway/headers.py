"""The headers that pass between client and service, without hop-by-hop headers.

Names are lower case, as ASGI gives them. Values are bytes and pass as they are.
"""

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from shared.errors import MalformedError

Headers: TypeAlias = list[tuple[bytes, bytes]]
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 9110, 7.6.1, with the names that older clients use.
HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# Removing these would change the message: for example, its body would be lost.
_END_TO_END: Final = frozenset({b"authorization", b"content-encoding", b"content-length", b"content-type"})

# Set here, by the client library, or meant for this server alone.
_NOT_PASSED_UP: Final = HOP_BY_HOP | {b"expect", b"forwarded", b"host", b"x-real-ip", b"x-request-id"}

# Identity headers that a service might trust by mistake. `x-clerk-session-id` is none of these.
_IDENTITY: Final = re.compile(
    rb"x-(forwarded|user|users|internal|authenticated|auth-request)(-|$)|(x-)?remote-(user|groups|email|name)$"
)

# Dropped from responses, or looked at.
_NOT_PASSED_DOWN: Final = HOP_BY_HOP | {b"x-request-id"}
_SPECIAL_PREFIXES: Final = (b"access-control-", b"surrogate-", b"vary")
_CACHED: Final = (b"surrogate-", b"vary")

# A name as DNS and containers have them, or an address; and a port, which is at most 65535.
_HOST: Final = re.compile(
    rb"(?:[A-Za-z0-9._-]{0,253}|\[[0-9A-Fa-f:.]{2,45}\])"
    rb"(?::(?:[0-9]{0,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
)

# A cache of decisions by name. Names come from clients, so its size is bounded.
_PASSES_UP: Final[dict[bytes, bool]] = {}
_SPECIAL: Final[dict[bytes, bool]] = {}
_MAX_KNOWN_NAMES: Final = 1024
_MAX_KNOWN_NAME_BYTES: Final = 64

_WITHOUT_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Framing:
    """The framing of a body: `length` bytes, or until its last chunk when None."""

    length: int | None

    @property
    def has_body(self) -> bool:
        """Whether the body may have bytes."""
        return self.length != 0


def framing_of(headers: Iterable[tuple[bytes, bytes]], http_version: str) -> Framing:
    """How the body of a request is delimited.

    Raises:
        MalformedError: it is ambiguous, which allows request smuggling.
    """
    lengths = [value for name, value in headers if name == b"content-length"]
    encodings = [value for name, value in headers if name == b"transfer-encoding"]
    if encodings:
        if (
            lengths
            or len(encodings) > 1
            or encodings[0].strip().lower() != b"chunked"
            or http_version == "1.0"
        ):
            raise MalformedError("The length of the body is not clear")
        return Framing(None)
    if not lengths:
        return Framing(0)
    if len(lengths) > 1 or re.fullmatch(rb"[0-9]{1,18}", lengths[0]) is None:
        raise MalformedError("The length of the body is not clear")
    return Framing(int(lengths[0]))


def is_trusted(address: str, networks: Sequence[Network]) -> bool:
    """Whether the peer at `address` is a trusted proxy."""
    if not networks:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)


def client_address(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The client's address, as given by a trusted proxy."""
    for name, value in reversed(headers):
        if name == b"x-forwarded-for":
            return value.rpartition(b",")[2].strip().decode("latin-1")
    return None


class RequestOrigin(NamedTuple):
    """The origin of a request: the peer, whether that is a trusted proxy, and the request id."""

    peer: str
    trusted: bool
    request_id: bytes


def to_service(headers: Sequence[tuple[bytes, bytes]], origin: RequestOrigin) -> Headers:
    """The headers of a request as the service gets them, repeated ones in their order, without `Host`.

    `X-Forwarded-*` from the client count only if it is a trusted proxy.
    """
    passed: Headers = []
    host = b""
    named: set[bytes] = set()
    for pair in headers:
        name = pair[0]
        if name == b"host":
            host = pair[1]
        elif name == b"connection":
            named |= _options(pair[1])
        elif _passes_up(name):
            passed.append(pair)
    if named:
        passed = [pair for pair in passed if pair[0] not in named]
    address = origin.peer.encode("latin-1")
    scheme = b"http"
    if origin.trusted:
        said = dict(headers)
        earlier = [value for name, value in headers if name == b"x-forwarded-for"]
        address = b", ".join([*earlier, address])
        scheme = said.get(b"x-forwarded-proto", scheme)
        forwarded_host = said.get(b"x-forwarded-host", host)
        host = forwarded_host if is_host(forwarded_host) else host
    passed += (
        (b"x-forwarded-for", address),
        (b"x-forwarded-proto", scheme),
        (b"x-forwarded-host", host),
        (b"x-request-id", origin.request_id),
    )
    return passed


def _passes_up(name: bytes) -> bool:
    known = _PASSES_UP.get(name)
    if known is None:
        known = name not in _NOT_PASSED_UP and not _IDENTITY.match(name.replace(b"_", b"-"))
        if len(_PASSES_UP) < _MAX_KNOWN_NAMES and len(name) <= _MAX_KNOWN_NAME_BYTES:
            _PASSES_UP[name] = known
    return known


def to_client(headers: Sequence[tuple[bytes, bytes]], status: int) -> tuple[Headers, bool]:
    """The headers of a response as the client gets them, repeated ones in their order.

    Also whether a `Vary` among them names `Origin`. CORS and the request id are added once, by the gateway;
    `Surrogate-*` is for its cache only. Names are lower case, and the parser has checked that they and values
    may be written to a connection. A response without a body has no length.
    """
    passed: Headers = []
    named: set[bytes] = set()
    varies = False
    for pair in headers:
        name = pair[0]
        special = _SPECIAL.get(name)
        if special is None:
            special = _is_special(name)
        if not special:
            passed.append(pair)
        elif name == b"connection":
            named |= _options(pair[1])
        elif name == b"vary":
            varies = varies or varies_by_origin(pair[1])
            passed.append(pair)
    if status in _WITHOUT_BODY:
        named.add(b"content-length")
    if named:
        passed = [pair for pair in passed if pair[0] not in named]
    return passed, varies


def is_marked(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether the service says how long the response may be cached here."""
    return b"surrogate-control" in dict(headers)


def to_cache(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """The headers of a response as the cache gets them: those of the client, and `Surrogate-*`."""
    return [pair for pair in headers if not _is_special(pair[0]) or pair[0].startswith(_CACHED)]


@functools.lru_cache(maxsize=256)
def varies_by_origin(vary: bytes) -> bool:
    """Whether a `Vary` says that the response depends on `Origin`."""
    return not {b"origin", b"*"}.isdisjoint(option.strip() for option in vary.lower().split(b","))


def _is_special(name: bytes) -> bool:
    known = _SPECIAL.get(name)
    if known is None:
        known = name in _NOT_PASSED_DOWN or name.startswith(_SPECIAL_PREFIXES)
        if len(_SPECIAL) < _MAX_KNOWN_NAMES and len(name) <= _MAX_KNOWN_NAME_BYTES:
            _SPECIAL[name] = known
    return known


def _options(connection: bytes) -> set[bytes]:
    """Headers named by `Connection` are hop-by-hop, but framing headers cannot be."""
    if connection in (b"close", b"keep-alive"):
        return set()
    return {option.strip().lower() for option in connection.split(b",")} - _END_TO_END


def is_host(value: bytes) -> bool:
    """Whether it is a valid `Host`: a host with an optional port."""
    return _HOST.fullmatch(value) is not None
