"""These tests run on the event loop that the servers use: how a connection breaks differs between loops."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.gateway.cached_responses import WordsWithoutDash, World


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """One kind of loop, uvicorn's own choice."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def world() -> World:
    """A response cache before a service that a test plays."""
    return World(WordsWithoutDash())
