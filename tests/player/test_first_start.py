"""The web player while the first start is still adding the demo content."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.player.browsing import Visitors
from tests.system.running import PROJECT, RunningSystem, running_system

pytestmark = pytest.mark.slow


@pytest.fixture
def empty_system(chromium_path: str, tmp_path: Path) -> Iterator[RunningSystem]:
    """The embedded system without any content."""
    with running_system(tmp_path / "data") as running:
        yield running


def test_songs_appear_while_they_are_added(browser: Browser, empty_system: RunningSystem) -> None:
    visitors = Visitors(browser, empty_system.cloud.replace("127.0.0.1", "localhost"))
    visitor = visitors.visitor()
    visitor.sees("No songs yet")
    visitor.page.evaluate("window.wasReloaded = false")
    notice = visitor.page.get_by_text("Demo songs are being added")
    command = ["-m", "embedded.demo", "--gateway", empty_system.gateway, "--cloud", empty_system.cloud]
    with subprocess.Popen([sys.executable, *command], cwd=PROJECT, stderr=subprocess.DEVNULL) as seeding:
        try:
            expect(notice).to_be_visible(timeout=60_000)
            visitor.page.get_by_role("button", name="Play what is trending").click(timeout=60_000)
            assert seeding.poll() is None
            visitor.wait_for_audio("audio.currentTime > 0.5 && !audio.paused")
            assert visitor.page.locator("main .songs .song-title").count() >= 1
        finally:
            seeding.terminate()
    assert visitor.page.evaluate("window.wasReloaded") is False
    visitors.close()
