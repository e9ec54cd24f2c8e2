"""How a request to a service can fail, told apart by what is answered and by what may be tried again."""


class UpstreamError(Exception):
    """There is no response that can be used."""


class ConnectError(UpstreamError):
    """The service takes no connection, or not in time. Nothing was sent."""


class ConnectionLostError(UpstreamError):
    """The connection ended before a byte of the response had come."""


class ResponseTimeoutError(UpstreamError):
    """The service took the request and did not answer, or did not go on, in time."""


class BadResponseError(UpstreamError):
    """It is not HTTP, is framed ambiguously, or breaks off."""


class ResponseHeadTooLargeError(UpstreamError):
    """The response has a head that is too large to pass on; the text of the request may have made it so."""
