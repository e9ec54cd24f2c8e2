"""What a shell holds for other programs, or for services in production, does not spoil `make run`."""

import signal
from pathlib import Path

import httpx
import pytest

from tests.system.faults import until_healthy
from tests.system.media import upload
from tests.system.running import People, free_ports, running_system

pytestmark = pytest.mark.slow


async def test_system_starts_in_a_production_shell_environment(tmp_path: Path) -> None:
    nobody, metrics = free_ports(2)
    shell = {
        **dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{nobody}"),
        "METRICS_PORT": str(metrics),
        "WORKERS": "2",
        "DRAIN_SECONDS": "60",
        "SHUTDOWN_SECONDS": "1100",
        "SETTINGS_DIR": str(tmp_path / "nowhere"),
        "HOST": "0.0.0.0",  # noqa: S104 - what must not count
    }
    with running_system(tmp_path / "data", **shell) as system:
        people = People(system)
        try:
            await upload(await people.artist(), "Heard of")
        finally:
            await people.close()
        async with httpx.AsyncClient(timeout=30, trust_env=False) as operator:
            with pytest.raises(httpx.ConnectError):
                await operator.get(httpx.URL(system.cloud).copy_with(host="127.0.0.2", path="/livez"))
        await until_healthy(system.songs)
        system.process.send_signal(signal.SIGINT)
        assert system.process.wait(30) == 0
