"""These tests run on the event loop that the servers use: how a connection breaks differs between loops."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """One kind of loop, uvicorn's own choice."""
    return {"uvloop": uvloop.new_event_loop}
