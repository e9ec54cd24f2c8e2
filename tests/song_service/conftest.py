"""What several tests of the song service begin with."""

import pytest

from song_service import outbox as outbox_module
from tests.song_service.outbox_world import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The outbox's."""
    clock = Clock()
    monkeypatch.setattr(outbox_module, "now", clock)
    return clock
