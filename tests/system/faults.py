"""Faults of the local providers, for as long as a block lasts; and a look at a service's health."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.system.running import RunningSystem


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
    """What the service at this address says of itself."""
    async with httpx.AsyncClient(timeout=30) as http:
        response: dict[str, Any] = (await http.get(f"{service}/health")).json()
    return response
