"""The tour of `make verify-deploy`, which needs containers, holds for the system that the other tests use."""

import pytest

from deploy.verify.tour import tour
from deploy.verify.visitor import System
from tests.system.running import RunningSystem


@pytest.fixture(scope="module")
def system(emptied: RunningSystem) -> RunningSystem:
    return emptied


async def test_tour_of_verified_deployments_succeeds(
    system: RunningSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    await tour(System(system.gateway, system.cloud))
    assert capsys.readouterr().out.count("  ok  ") == 12
