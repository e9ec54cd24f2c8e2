"""How often the engine is asked for a listener's recommendations."""

from collections.abc import Sequence

import pytest

from song_service.personal_orders import CALLS_AT_ONCE, SECONDS_BETWEEN_CALLS, Order, PersonalOrders
from tests.song_service.fakes import Engine

ADA, BOB = "b" * 24, "c" * 24


class NumberedEngine(Engine):
    """Its orders begin with the number of the call."""

    async def for_user(self, user_id: str, count: int) -> Sequence[str]:
        self.response = [str(self.requested), "a", "b"]
        return await super().for_user(user_id, count)


class World:
    """The orders of an engine, and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = 1000.0
        self.engine = NumberedEngine()
        self.orders = PersonalOrders(self.engine)
        monkeypatch.setattr("song_service.personal_orders.monotonic", lambda: self.moment)

    async def read(self, user_id: str = ADA, count: int = 3) -> Order:
        return await self.orders.of(user_id, count)

    async def read_until_held(self) -> Order:
        for _ in range(CALLS_AT_ONCE):
            assert (await self.read()).ttl_seconds is None
        return await self.read()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


async def test_first_calls_reach_the_engine_at_once(world: World) -> None:
    first = [(await world.read()).ids[0] for _ in range(CALLS_AT_ONCE)]
    assert first == [str(number) for number in range(CALLS_AT_ONCE)]


async def test_last_order_holds_while_the_bucket_is_empty(world: World) -> None:
    held = await world.read_until_held()
    assert held == Order((str(CALLS_AT_ONCE - 1), "a", "b"), int(SECONDS_BETWEEN_CALLS))
    world.moment += SECONDS_BETWEEN_CALLS - 0.5
    assert (await world.read()).ttl_seconds == 1
    assert world.engine.requested == CALLS_AT_ONCE


async def test_engine_is_asked_again_when_the_held_order_expires(world: World) -> None:
    held = await world.read_until_held()
    assert held.ttl_seconds is not None
    world.moment += held.ttl_seconds
    assert await world.read() == Order((str(CALLS_AT_ONCE), "a", "b"))
    assert (await world.read()).ttl_seconds == int(SECONDS_BETWEEN_CALLS)


async def test_bucket_fills_up_again(world: World) -> None:
    await world.read_until_held()
    world.moment += CALLS_AT_ONCE * SECONDS_BETWEEN_CALLS
    await world.read_until_held()
    assert world.engine.requested == 2 * CALLS_AT_ONCE


async def test_listeners_have_their_own_buckets(world: World) -> None:
    await world.read_until_held()
    assert (await world.read(BOB)).ttl_seconds is None


async def test_order_that_the_engine_could_not_fill_does_not_hold(world: World) -> None:
    for number in range(CALLS_AT_ONCE + 2):
        assert await world.read(count=4) == Order((str(number), "a", "b"))
