"""What passes between client and service, and what belongs to one connection only.

Names are lower case, as ASGI gives them. Values are bytes and pass as they are.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

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

# Without these a message would be another one: a body would be lost, and mean its opposite.
_END_TO_END: Final = frozenset({b"authorization", b"content-encoding", b"content-length", b"content-type"})

# Set here, by the client library, or meant for this server alone.
_NOT_PASSED_UP: Final = HOP_BY_HOP | {b"expect", b"forwarded", b"host", b"x-real-ip", b"x-request-id"}

# What a service might once believe, if a client could say it. `x-clerk-session-id` is none of these.
_IDENTITY: Final = re.compile(
    rb"x-(forwarded|user|users|internal|authenticated|auth-request)(-|$)|(x-)?remote-(user|groups|email|name)$"
)

_VALID_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_INVALID_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WITHOUT_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Framing:
    """How long a request's body is: `length` bytes, or until its last chunk when None."""

    length: int | None

    @property
    def has_body(self) -> bool:
        """Whether a byte may come."""
        return self.length != 0


def framing_of(headers: Iterable[tuple[bytes, bytes]], http_version: str) -> Framing:
    """How the body of a request is delimited.

    Raises:
        MalformedError: two servers could disagree about it, which is how requests are smuggled.
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


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a request came from: the peer's address, the scheme it used and the host it asked for."""

    address: str
    scheme: bytes
    host: bytes


def is_trusted(address: str, networks: Sequence[Network]) -> bool:
    """Whether the peer at `address` is one of our own proxies."""
    if not networks:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)


def to_service(
    headers: Sequence[tuple[bytes, bytes]], sender: Sender, *, trusted: bool, request_id: str
) -> Headers:
    """The headers of a request as the service gets them, repeated ones in their order.

    What the client says about where it came from counts only when it is a proxy of ours (`trusted`).
    """
    named = _named_by_connection(headers)
    passed = [
        (name, value)
        for name, value in headers
        if name not in _NOT_PASSED_UP and name not in named and not _IDENTITY.match(name.replace(b"_", b"-"))
    ]
    told = dict(headers) if trusted else {}
    address = sender.address.encode("latin-1")
    forwarded_for = [value for name, value in headers if trusted and name == b"x-forwarded-for"]
    return [
        *passed,
        (b"x-forwarded-for", b", ".join([*forwarded_for, address])),
        (b"x-forwarded-proto", told.get(b"x-forwarded-proto", sender.scheme)),
        (b"x-forwarded-host", told.get(b"x-forwarded-host", sender.host)),
        (b"x-request-id", request_id.encode("ascii")),
    ]


def to_client(headers: Sequence[tuple[bytes, bytes]], status: int) -> Headers:
    """The headers of an answer as the client gets them, repeated ones in their order.

    CORS and the request id are said once, by the gateway. Where the service chunked the body, or there is
    none to measure, a length would be wrong or confuse the server.

    Raises:
        ValueError: a status, name or value that may not be written to a connection.
    """
    if not 200 <= status <= 599:
        raise ValueError("not the status of a final answer")
    lowered = [(name.lower(), value) for name, value in headers]
    dropped = HOP_BY_HOP | _named_by_connection(lowered) | {b"x-request-id"}
    if status in _WITHOUT_BODY or any(name == b"transfer-encoding" for name, _ in lowered):
        dropped |= {b"content-length"}
    passed = [
        pair for pair in lowered if pair[0] not in dropped and not pair[0].startswith(b"access-control-")
    ]
    for name, value in passed:
        if not _VALID_NAME.fullmatch(name) or _INVALID_VALUE.search(value):
            raise ValueError("a header that may not be written")
    return passed


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """What `Connection` says is for this connection only; it cannot say so of what makes the message."""
    named = {
        option.strip().lower()
        for name, value in headers
        if name == b"connection"
        for option in value.split(b",")
    }
    return named - _END_TO_END
