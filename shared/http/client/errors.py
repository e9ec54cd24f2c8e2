"""The failures of a request to a service, by the resulting status and by what may be repeated."""


class UpstreamError(Exception):
    """There is no valid response."""


class ConnectError(UpstreamError):
    """The service accepts no connection, or not in time. Nothing was sent."""


class ConnectionLostError(UpstreamError):
    """The connection was lost, or brought unsolicited bytes, before the response began. The request may not
    have been written.
    """


class ResponseTimeoutError(UpstreamError):
    """The service accepted the request and did not respond, or stopped sending, in time."""


class BadResponseError(UpstreamError):
    """The response is not HTTP, has ambiguous framing, or is incomplete."""


class ResponseHeadTooLargeError(UpstreamError):
    """The head of the response is too large to pass on, possibly because of the request."""
