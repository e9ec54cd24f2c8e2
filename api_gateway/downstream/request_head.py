"""The head of a request, read strictly: ambiguous heads are refused."""

import re
from typing import Final

import httptools

from api_gateway.headers import Framing, Headers, framing_of, is_host
from shared.errors import MalformedError

_REQUEST_LINE: Final = re.compile(rb"[A-Z]+ [!-~]+ HTTP/1\.[01]")


class MalformedHeadError(Exception):
    """It is not HTTP/1.0 or 1.1, or is ambiguous."""


class HeadTooLargeError(Exception):
    """More bytes than a head may have."""


class RequestHead:
    """One request without its body. Header names are lower case; `path` and `query` are as sent."""

    __slots__ = (
        "expects_continue",
        "framing",
        "headers",
        "keep_alive",
        "method",
        "path",
        "query",
        "version",
    )

    def __init__(self, method: str, url: bytes, version: str, headers: Headers) -> None:
        """Raises MalformedHeadError."""
        self.method = method
        self.version = version
        self.headers = headers
        self.path, self.query = _split(url)
        self.keep_alive = version == "1.1"
        self.expects_continue = False
        is_framed = False
        hosts = 0
        for name, value in headers:
            if name not in _READ:
                continue
            if name == b"host":
                hosts += 1
                if not is_host(value):
                    raise MalformedHeadError
            elif name == b"connection":
                options = value.lower()
                if b"close" in options and b"close" in [each.strip() for each in options.split(b",")]:
                    self.keep_alive = False
            elif name == b"expect":
                self.expects_continue = version == "1.1" and value.lower() == b"100-continue"
            else:
                is_framed = True
        if hosts > 1 or (hosts == 0 and version == "1.1") or method == "CONNECT":
            raise MalformedHeadError
        self.framing = _framing(headers, version) if is_framed else _NO_BODY


_READ: Final = frozenset({b"connection", b"content-length", b"expect", b"host", b"transfer-encoding"})
"""The headers that this server itself reads."""

_NO_BODY: Final = Framing(0)


def _framing(headers: Headers, version: str) -> Framing:
    try:
        return framing_of(headers, version)
    except MalformedError as failure:
        raise MalformedHeadError from failure


def _split(url: bytes) -> tuple[bytes, bytes]:
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


class HeadReader:
    """Reads one head after another from the bytes of a connection, which may arrive in any pieces."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._earlier = bytearray()
        self._url = b""
        self._headers: Headers = []
        self._is_complete = False
        self._is_message_complete = False

    @property
    def has_begun(self) -> bool:
        """Whether a head has begun and not ended."""
        return bool(self._earlier)

    def feed(self, data: bytes) -> tuple[RequestHead | None, bytes]:
        """Returns the head, once it is complete, and the bytes after it.

        Raises:
            MalformedHeadError, HeadTooLargeError.
        """
        if self._earlier:
            return self._feed_more(data)
        if data[:1] in (b"\r", b"\n"):  # empty lines before a request are ignored: RFC 9112, 2.2
            data = data.lstrip(b"\r\n")
            if not data:
                return None, b""
        end = data.find(b"\r\n\r\n") + 4
        if end == 3:
            return self._feed_more(data)
        head = data if end == len(data) else data[:end]
        self._check(head, end)
        self._parse(head)
        return self._take_head(), data[end:]

    def _feed_more(self, data: bytes) -> tuple[RequestHead | None, bytes]:
        """The same for a head in pieces. Each piece is parsed at once, so that malformed input is refused
        early.
        """
        earlier = self._earlier
        before = len(earlier)
        earlier += data
        end = earlier.find(b"\r\n\r\n", max(0, before - 3)) + 4
        size = len(earlier) if end == 3 else end
        self._check(earlier, size)
        piece = data[: size - before]
        self._parse(piece)
        if end == 3:
            return None, b""
        earlier.clear()
        return self._take_head(), data[len(piece) :]

    def _check(self, head: bytes | bytearray, size: int) -> None:
        if size > self._max_bytes:
            raise HeadTooLargeError
        line_end = head.find(b"\r\n")
        if line_end >= 0 and _REQUEST_LINE.fullmatch(head, 0, line_end) is None:
            raise MalformedHeadError

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # An upgrade request is served without the upgrade, as RFC 9110, 7.8 allows.
            self._is_message_complete = False
        except httptools.HttpParserError as failure:
            raise MalformedHeadError from failure

    def _take_head(self) -> RequestHead:
        if not self._is_complete:
            raise MalformedHeadError
        parser = self._parser
        head = RequestHead(
            parser.get_method().decode("ascii"), self._url, parser.get_http_version(), self._headers
        )
        if (
            not self._is_message_complete or not head.keep_alive
        ):  # httptools would take what follows for the new protocol
            self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers = []
        self._is_complete = self._is_message_complete = False
        return head

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._is_complete = True

    def on_message_complete(self) -> None:
        self._is_message_complete = True
