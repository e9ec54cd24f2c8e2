"""The contract of `ProcessedWebhooks`."""

from datetime import timedelta

import pytest

from embedded.sqlite import processed_webhooks as sqlite
from shared.clock import now
from tests.repositories.stores import Store
from user_service import processed_webhooks as mongo
from user_service.ports import WEBHOOKS_KEPT, ProcessedWebhooks


async def test_processed_webhooks_are_known(processed_webhooks: ProcessedWebhooks) -> None:
    assert not await processed_webhooks.contains("msg_1")
    await processed_webhooks.add("msg_1")
    await processed_webhooks.add("msg_1")
    assert await processed_webhooks.contains("msg_1")
    assert not await processed_webhooks.contains("msg_2")


async def test_processed_webhooks_survive_a_restart(store: Store) -> None:
    async with store.processed_webhooks() as before:
        await before.add("msg_1")
    async with store.processed_webhooks() as after:
        assert await after.contains("msg_1")


async def test_processed_webhooks_expire(
    processed_webhooks: ProcessedWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    await processed_webhooks.add("msg_1")
    for module in (sqlite, mongo):
        monkeypatch.setattr(module, "now", lambda: now() + WEBHOOKS_KEPT + timedelta(minutes=1))
    assert not await processed_webhooks.contains("msg_1")
    await processed_webhooks.add("msg_2")
    assert await processed_webhooks.contains("msg_2")
