"""Connection draining and recycling: clients leave a process that stops, and find one that was added."""

RESPONSES_PER_CONNECTION_CLOSED = 97
"""A prime, so that each connection is closed at some time, however many take turns."""


class Draining:
    """Whether this process has been told to stop. `/readyz` says so before the listening socket closes."""

    def __init__(self) -> None:
        self.begun = False


DRAINING = Draining()


class ConnectionRecycling:
    """Decides which responses close their connection: all after SIGTERM, one in `RECYCLE_EVERY` before.

    Clients go to another replica then. One that keeps an idle connection for less than `drain_seconds` holds
    none when the server closes, so that no request meets a closing connection. Without recycling before that
    a busy client would keep its connections for ever, and a replica that is added would never be asked; it is
    done with responses to GET and HEAD, which nobody is still sending a body to.
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
