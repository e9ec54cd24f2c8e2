"""One system and one browser for all tests of the player."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from embedded.demo.seed import seed
from tests.player.browsing import Visitors, chromium, find_chromium
from tests.player.content import CONTENT
from tests.system.running import RunningSystem, running_system


@pytest.fixture(scope="package")
def chromium_path() -> str:
    """Without Chromium there is nothing to start a system for."""
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium-headless-shell")
    return path


@pytest.fixture(scope="package")
def system(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The embedded system with a few short songs."""
    with running_system(tmp_path_factory.mktemp("player") / "data") as running:
        asyncio.run(seed(running.gateway, running.cloud, lambda step: None, content=CONTENT))
        yield running


@pytest.fixture(scope="package")
def browser(system: RunningSystem, chromium_path: str) -> Iterator[Browser]:
    """Opened after the system, closed after these files: meanwhile no other event loop runs here."""
    with chromium(chromium_path) as opened:
        yield opened


@pytest.fixture
def visitors(system: RunningSystem, browser: Browser) -> Iterator[Visitors]:
    """Who opens the player. No page of theirs may report an error."""
    made = Visitors(browser, system.cloud.replace("127.0.0.1", "localhost"))
    yield made
    made.close()
