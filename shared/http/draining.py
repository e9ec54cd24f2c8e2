"""Connection draining and recycling: clients leave a stopping process, and reach one that was added."""

RESPONSES_PER_CONNECTION_CLOSED = 97
"""A prime, so that every connection is closed eventually even when several alternate."""


class Draining:
    """Whether this process has received SIGTERM. `/readyz` reports it before the listening socket closes."""

    def __init__(self) -> None:
        self.begun = False


DRAINING = Draining()


class ConnectionRecycling:
    """Decides which responses close their connection: all after SIGTERM, one in
    `RESPONSES_PER_CONNECTION_CLOSED` before.

    Clients go to another replica then. One that keeps an idle connection for less than `drain_seconds` holds
    none when the server closes, so that no request meets a closing connection. Without recycling, a busy
    client would keep its connections open, and an added replica would get none. Only responses to GET and
    HEAD recycle a connection: these requests have no body that may still be arriving.
    """

    def __init__(self) -> None:
        self._responses = 0

    def is_due(self, method: str) -> bool:
        """Whether the response that starts now closes its connection."""
        if DRAINING.begun:
            return True
        if method not in ("GET", "HEAD"):
            return False
        self._responses += 1
        return self._responses % RESPONSES_PER_CONNECTION_CLOSED == 0
