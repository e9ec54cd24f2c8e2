"""Faults of the local providers, for as long as a block lasts; and the health of services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.system.running import RunningSystem
from tests.system.waiting import until


@asynccontextmanager
async def fault(system: RunningSystem, provider: str, **what: float) -> AsyncIterator[None]:
    """The provider fails as `what` says: status, delaySeconds, rate."""
    async with httpx.AsyncClient(base_url=system.cloud, timeout=30) as http:
        assert (await http.put(f"/faults/{provider}", json=what)).status_code == 204
        try:
            yield
        finally:
            assert (await http.delete(f"/faults/{provider}")).status_code == 204


async def health_of(service: str) -> dict[str, Any]:
    """The health of the service at this address; its status follows from those of its dependencies."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        health: dict[str, Any] = (await http.get(f"{service}/health")).json()
    dependencies = [value for value in health.values() if isinstance(value, bool)]
    if health["status"] != "DOWN":
        assert health["status"] == ("OK" if all(dependencies) else "DEGRADED"), str(health)
    return health


async def until_healthy(service: str) -> None:
    """Go on when all dependencies are healthy: a probe takes too long while the machine is busy."""

    async def is_healthy() -> bool:
        return bool((await health_of(service))["status"] == "OK")

    await until(is_healthy)
