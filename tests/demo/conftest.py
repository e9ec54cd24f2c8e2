from collections.abc import Iterator

import pytest

from tests.demo.small_system import SmallSystem, running


@pytest.fixture
def system() -> Iterator[SmallSystem]:
    with running(SmallSystem()) as started:
        yield started
