"""The head of a request, read strictly: ambiguous heads are refused."""

import re
from typing import Final, NamedTuple

import httptools

from api_gateway.headers import Framing, Headers, framing_of, is_host
from shared.errors import MalformedError

_REQUEST_LINE: Final = re.compile(rb"([A-Z]+) ((/[!\"$->@-~]*)(?:\?([!\"$-~]*))?|[!-~]+) HTTP/(1\.[01])\r\n")
"""Method, target, path and query of a target that consists of these, and version."""
_METHOD: Final = re.compile(rb"[A-Za-z]+( |$)")
_LOOSE_REQUEST_LINE: Final = re.compile(rb"([A-Za-z]+) /[^\r\n]* HTTP/1\.[01]\r\n")
_METHODS: Final = {
    each.encode("ascii"): each for each in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
_VERSIONS: Final = {b"1.0": "1.0", b"1.1": "1.1"}

_MAX_REMEMBERED_BYTES: Final = 4096
_MAX_REMEMBERED_LINES: Final = 40
"""Of header lines, for each connection."""


class MalformedHeadError(Exception):
    """It is not HTTP/1.0 or 1.1, or is ambiguous."""


class UnknownMethodError(MalformedHeadError):
    """Its method is none that HTTP defines; methods are case-sensitive."""


class UnencodedTargetError(MalformedHeadError):
    """Its target has characters that must be percent-encoded."""


class HeadTooLargeError(Exception):
    """More bytes than a head may have."""


class TargetTooLongError(HeadTooLargeError):
    """The request line alone has more bytes."""


class RequestFields:
    """The header lines of a request, read and checked. Names are lower case.

    Requests on a connection whose header lines are the same share this: do not change `headers`. `first` has
    the first value of each. In `to_service` the relay keeps the lines that it has made of them.
    """

    __slots__ = (
        "expects_continue",
        "first",
        "framing",
        "has_body",
        "headers",
        "keep_alive",
        "to_service",
        "version",
    )

    def __init__(self, version: str, headers: Headers) -> None:
        """Raises MalformedHeadError."""
        self.version = version
        self.headers = headers
        self.first = first = dict(reversed(headers))
        self.keep_alive = version == "1.1"
        self.expects_continue = False
        self.framing = _NO_BODY
        self.to_service: bytes | None = None
        host = first.get(b"host")
        is_host_valid = version == "1.0" if host is None else is_host(host)
        if not is_host_valid:
            raise MalformedHeadError
        if len(first) != len(headers) and _count(headers, b"host") > 1:
            raise MalformedHeadError
        if not _READ.isdisjoint(first):
            self._read()
        self.has_body = self.framing.has_body

    def _read(self) -> None:
        """Read the headers that are for this server itself."""
        first, headers, version = self.first, self.headers, self.version
        for name, value in headers:
            if name == b"connection":
                options = value.lower()
                if b"close" in options and b"close" in [each.strip() for each in options.split(b",")]:
                    self.keep_alive = False
            elif name == b"expect":
                self.expects_continue = version == "1.1" and value.lower() == b"100-continue"
        if b"content-length" in first or b"transfer-encoding" in first:
            self.framing = _framing(headers, version)


class RequestHead(NamedTuple):
    """One request without its body. `path` and `query` are as sent."""

    method: str
    path: bytes
    query: bytes
    fields: RequestFields


_READ: Final = frozenset({b"connection", b"content-length", b"expect", b"transfer-encoding"})


def _count(headers: Headers, wanted: bytes) -> int:
    return sum(name == wanted for name, _ in headers)


_NO_BODY: Final = Framing(0)


def _framing(headers: Headers, version: str) -> Framing:
    try:
        return framing_of(headers, version)
    except MalformedError as failure:
        raise MalformedHeadError from failure


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a target in the absolute form, of `*`, or with a fragment."""
    if not url.startswith(b"/"):  # the absolute form, or `*`
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError as failure:
            raise MalformedHeadError from failure
        authority = url.partition(b"//")[2].partition(b"/")[0]
        if b"@" in authority:  # user information: RFC 9110, 4.2.4
            raise MalformedHeadError
        return parsed.path or b"/", parsed.query or b""
    path, _, query = url.partition(b"#")[0].partition(b"?")
    return path, query


def _malformed(head: bytes | bytearray) -> MalformedHeadError:
    """What is wrong with a request line that `_REQUEST_LINE` does not match."""
    line = _LOOSE_REQUEST_LINE.match(head)
    if line is None:
        return MalformedHeadError()
    return UnencodedTargetError() if line[1].isupper() else UnknownMethodError()


class HeadReader:
    """Reads one head after another from the bytes of a connection, which may arrive in any pieces.

    The header lines of the last head, unless there are many, are remembered: a head that arrives whole and
    has the same ones, byte for byte, takes what was read of them.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._earlier = bytearray()
        self._headers: Headers = []
        self._lines = b""
        """The version and the header lines of `_fields`."""
        self._fields: RequestFields
        self._is_complete = False
        self._is_message_complete = False
        self.has_begun = False
        """Whether a head has begun and not ended."""

    def _repeated(self, data: bytes) -> RequestHead | None:
        """The head, if `data` is one whole head with the header lines of the one before."""
        lines = self._lines
        if not data.endswith(lines) or self.has_begun or len(data) > self._max_bytes:
            return None
        line = _REQUEST_LINE.match(data)
        if line is None or line.start(5) + len(lines) != len(data):
            return None
        name, _, path, query, _ = line.groups()
        method = _METHODS.get(name)
        if method is None or path is None:
            return None
        return RequestHead(method, path, query or b"", self._fields)

    def feed(self, data: bytes) -> tuple[RequestHead | None, bytes]:
        """Returns the head, once it is complete, and the bytes after it.

        Raises:
            MalformedHeadError, HeadTooLargeError.
        """
        if (repeated := self._repeated(data)) is not None:
            return repeated, b""
        if self.has_begun:
            return self._feed_more(data)
        if data[0] in b"\r\n":  # empty lines before a request are ignored: RFC 9112, 2.2
            data = data.lstrip(b"\r\n")
            if not data:
                return None, b""
        end = data.find(b"\r\n\r\n") + 4
        if end == 3:
            return self._feed_more(data)
        is_all = end == len(data)
        head = data if is_all else data[:end]
        return self._end(head, head), b"" if is_all else data[end:]

    def _feed_more(self, data: bytes) -> tuple[RequestHead | None, bytes]:
        """The same for a head in pieces. Each piece is parsed at once, so that malformed input is refused
        early.
        """
        earlier = self._earlier
        before = len(earlier)
        earlier += data
        end = earlier.find(b"\r\n\r\n", max(0, before - 3)) + 4
        self.has_begun = end == 3
        if self.has_begun:
            if len(earlier) > self._max_bytes:
                raise self._too_large(earlier)
            if b"\r\n" in earlier and _REQUEST_LINE.match(earlier) is None:
                raise _malformed(earlier)
            self._parse(data)
            return None, b""
        piece, head = data[: end - before], bytes(earlier[:end])
        earlier.clear()
        return self._end(head, piece), data[len(piece) :]

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # An upgrade request is served without the upgrade, as RFC 9110, 7.8 allows.
            self._is_message_complete = False
        except httptools.HttpParserInvalidMethodError as failure:
            raise (UnknownMethodError if _METHOD.match(data) else MalformedHeadError) from failure
        except httptools.HttpParserError as failure:
            raise MalformedHeadError from failure

    def _too_large(self, head: bytes | bytearray) -> HeadTooLargeError:
        return HeadTooLargeError() if b"\r\n" in head[: self._max_bytes] else TargetTooLongError()

    def _end(self, whole: bytes, last_piece: bytes) -> RequestHead:
        """Returns the head with the bytes of `whole`, of which `last_piece` was not parsed yet."""
        if len(whole) > self._max_bytes:
            raise self._too_large(whole)
        line = _REQUEST_LINE.match(whole)
        if line is None:
            raise _malformed(whole)
        name, target, path, query, version = line.groups()
        self._parse(last_piece)
        if not self._is_complete or name == b"CONNECT":
            raise MalformedHeadError
        if path is None:
            path, query = _split(target)
        fields = self._end_fields(_VERSIONS[version])
        lines = whole[line.start(5) :]
        if len(lines) <= _MAX_REMEMBERED_BYTES and len(fields.headers) <= _MAX_REMEMBERED_LINES:
            self._fields, self._lines = fields, lines
        return RequestHead(_METHODS.get(name) or name.decode("ascii"), path, query or b"", fields)

    def _end_fields(self, version: str) -> RequestFields:
        """The headers that were parsed. Then the parser is ready for the next head."""
        fields = RequestFields(version, self._headers)
        if not self._is_message_complete or not fields.keep_alive:
            # httptools would take what follows for the new protocol
            self._parser = httptools.HttpRequestParser(self)
        self._headers = []
        self._is_complete = self._is_message_complete = False
        return fields

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._is_complete = True

    def on_message_complete(self) -> None:
        self._is_message_complete = True
