"""The headers that pass between client and service, without hop-by-hop headers.

Names are lower case, as ASGI gives them. Values are bytes and pass as they are.
"""

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias, TypeVar

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

# Removing these would change the message: for example, its body or its origin would be lost.
_END_TO_END: Final = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)

# Set here, by the client library, or meant for this server alone.
_NOT_PASSED_UP: Final = HOP_BY_HOP | {b"expect", b"forwarded", b"host", b"x-real-ip", b"x-request-id"}

# Identity headers that a service might trust by mistake. `x-clerk-session-id` is none of these.
_IDENTITY: Final = re.compile(
    rb"x-(forwarded|user|users|internal|authenticated|auth-request)(-|$)|(x-)?remote-(user|groups|email|name)$"
)

# Set here, or for this gateway alone.
_NOT_PASSED_DOWN: Final = HOP_BY_HOP | {b"x-request-id"}
_NOT_PASSED_DOWN_PREFIXES: Final = (b"access-control-", b"surrogate-")
_READ: Final = frozenset({b"content-length", b"date", b"vary"})

# A name as DNS and containers have them, or an address; and a port, which is at most 65535.
_HOST: Final = re.compile(
    rb"(?:[A-Za-z0-9._-]{0,253}|\[[0-9A-Fa-f:.]{2,45}\])"
    rb"(?::(?:[0-9]{0,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
)

_MAX_KNOWN_NAMES: Final = 1024
_MAX_KNOWN_NAME_BYTES: Final = 64

_WITHOUT_BODY: Final = frozenset({204, 304})

_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus
}


def status_line(status: int) -> bytes:
    """The first line of a response."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


Decision = TypeVar("Decision")


class Decisions(dict[bytes, Decision]):
    """What `decide` says of each header name, decided once: names come from clients, so not all are kept."""

    def __init__(self, decide: Callable[[bytes], Decision]) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, name: bytes) -> Decision:
        decision = self._decide(name)
        if len(self) < _MAX_KNOWN_NAMES and len(name) <= _MAX_KNOWN_NAME_BYTES:
            self[name] = decision
        return decision


def _passes_up(name: bytes) -> bool:
    return name not in _NOT_PASSED_UP and not _IDENTITY.match(name.replace(b"_", b"-"))


def _passes_down(name: bytes) -> bool:
    return name not in _NOT_PASSED_DOWN and not name.startswith(_NOT_PASSED_DOWN_PREFIXES)


_PASSES_UP: Final = Decisions(_passes_up)
_PASSES_DOWN: Final = Decisions(_passes_down)
_IS_READ: Final = Decisions(lambda name: name in _READ or not _passes_down(name))
"""Whether a header of a response is dropped, or looked at."""


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
            raise MalformedError("Send either one valid Content-Length or Transfer-Encoding: chunked")
        return Framing(None)
    if not lengths:
        return Framing(0)
    if len(lengths) > 1 or re.fullmatch(rb"[0-9]{1,18}", lengths[0]) is None:
        raise MalformedError("Send either one valid Content-Length or Transfer-Encoding: chunked")
    return Framing(int(lengths[0]))


def is_trusted(address: str, networks: Sequence[Network]) -> bool:
    """Whether the peer at `address` is a trusted proxy."""
    if not networks:
        return False
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


@functools.lru_cache(maxsize=1024)
def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 address also where it is written as an IPv6 address; None for what is none, such as a name."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def client_address(headers: Sequence[tuple[bytes, bytes]], proxies: Sequence[Network]) -> str | None:
    """The client's address, as given by a trusted proxy: the last one that is not a trusted proxy's."""
    addresses = forwarded_addresses(headers)
    for each in reversed(addresses):
        if not is_trusted(each, proxies):
            return each
    return addresses[0] if addresses else None


def forwarded_addresses(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """The addresses in `X-Forwarded-For`, the client's first, without ports and in their canonical form."""
    values = [value for name, value in headers if name == b"x-forwarded-for"]
    return [_canonical(each.strip().decode("latin-1")) for value in values for each in value.split(b",")]


def _canonical(address: str) -> str:
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    parsed = _parsed(address)
    return address if parsed is None else str(parsed)


def lines_to_service(headers: Sequence[tuple[bytes, bytes]], peer: str, *, is_trusted: bool) -> bytes:
    """The header lines of a request as the service gets them, in their order, without `Host` and request id.

    `X-Forwarded-*` from the client count only if `peer` is a trusted proxy.
    """
    host = b""
    pieces: list[bytes] = []
    for name, value in headers:
        if _PASSES_UP[name]:
            pieces += (name, b": ", value, b"\r\n")
        elif name == b"host":
            host = value
        elif name == b"connection" and _options(value):
            return lines_to_service(_without_named(headers), peer, is_trusted=is_trusted)
    address, scheme = peer.encode("latin-1"), b"http"
    if is_trusted:
        said = dict(headers)
        earlier = [value for name, value in headers if name == b"x-forwarded-for"]
        address = b", ".join([*earlier, address])
        scheme = said.get(b"x-forwarded-proto", scheme)
        forwarded_host = said.get(b"x-forwarded-host", host)
        host = forwarded_host if is_host(forwarded_host) else host
    pieces.append(
        b"x-forwarded-for: %b\r\nx-forwarded-proto: %b\r\nx-forwarded-host: %b\r\n" % (address, scheme, host)
    )
    return b"".join(pieces)


def _without_named(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """`headers` without `Connection` and those that it names."""
    named = {b"connection"}.union(*(_options(value) for name, value in headers if name == b"connection"))
    return [pair for pair in headers if pair[0] not in named]


class ResponseHead(NamedTuple):
    """The head of a response as the client gets it, but for CORS, the request id and `Date`.

    `lines` are the status line and whole header lines; `varies` says that a `Vary` among them names `Origin`,
    `is_marked` that the service says how long the response may be cached here.
    """

    status: int
    lines: bytes
    length: int | None
    varies: bool
    has_date: bool
    is_marked: bool = False


def head_to_client(status: int, headers: Sequence[tuple[bytes, bytes]]) -> ResponseHead:
    """The head of a response, with repeated headers in their order.

    CORS and the request id are added once, by the gateway; `Surrogate-*` is for its cache only. Names are
    lower case, and the parser has checked that they and values may be written to a connection. There is one
    `Content-Length`, and none in responses without a body.
    """
    pieces = [status_line(status)]
    length = 0 if status in _WITHOUT_BODY else None
    varies = has_date = is_marked = False
    for name, value in headers:
        if _IS_READ[name]:
            if name == b"content-length" and length is None:
                length = int(value)
            elif name == b"vary":
                varies = varies or varies_by_origin(value)
            elif name == b"date":
                has_date = True
            elif name == b"connection" and _options(value):
                return head_to_client(status, _without_named(headers))
            else:
                is_marked = is_marked or name == b"surrogate-control"
                continue
        pieces += (name, b": ", value, b"\r\n")
    return ResponseHead(status, b"".join(pieces), length, varies, has_date, is_marked)


def to_cache(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """The headers of a response as the cache gets them: those of the client, and `Surrogate-*`."""
    return [pair for pair in headers if _PASSES_DOWN[pair[0]] or pair[0].startswith(b"surrogate-")]


@functools.lru_cache(maxsize=256)
def varies_by_origin(vary: bytes) -> bool:
    """Whether a `Vary` says that the response depends on `Origin`."""
    return not {b"origin", b"*"}.isdisjoint(option.strip() for option in vary.lower().split(b","))


def _options(connection: bytes) -> set[bytes]:
    """Headers named by `Connection` are hop-by-hop, but framing headers cannot be."""
    if connection in (b"close", b"keep-alive"):
        return set()
    return {option.strip().lower() for option in connection.split(b",")} - _END_TO_END


def is_host(value: bytes) -> bool:
    """Whether it is a valid `Host`: a host with an optional port."""
    return _HOST.fullmatch(value) is not None
