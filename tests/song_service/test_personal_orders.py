"""How often the engine is asked for a listener's recommendations."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.errors import UnavailableError
from song_service.personal_orders import BUCKET_CAPACITY, REFILL_SECONDS, Order, PersonalOrders
from tests.song_service.fakes import Engine

ADA, BOB = "b" * 24, "c" * 24


class NumberedEngine(Engine):
    """Its orders begin with the number of the call; `slow_calls` wait for `go_on`."""

    def __init__(self) -> None:
        super().__init__()
        self.slow_calls: set[int] = set()
        self.go_on = asyncio.Event()

    async def for_user(self, user_id: str, count: int) -> Sequence[str]:
        number = self.requested
        self.response = [str(number), "a", "b"]
        ids = await super().for_user(user_id, count)
        if number in self.slow_calls:
            await self.go_on.wait()
        return ids


class World:
    """The orders of an engine, and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = 1000.0
        self.engine = NumberedEngine()
        self.orders = PersonalOrders(self.engine)
        monkeypatch.setattr("song_service.personal_orders.monotonic", lambda: self.moment)

    async def read(self, user_id: str = ADA, count: int = 3) -> Order:
        return self.orders.held(user_id) or await self.orders.ask(user_id, count)

    async def read_until_held(self) -> Order:
        for _ in range(BUCKET_CAPACITY):
            assert (await self.read()).ttl_seconds is None
        return await self.read()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


async def test_first_calls_reach_the_engine_at_once(world: World) -> None:
    first = [(await world.read()).ids[0] for _ in range(BUCKET_CAPACITY)]
    assert first == [str(number) for number in range(BUCKET_CAPACITY)]


async def test_last_order_holds_while_the_bucket_is_empty(world: World) -> None:
    held = await world.read_until_held()
    assert held == Order((str(BUCKET_CAPACITY - 1), "a", "b"), int(REFILL_SECONDS), is_held=True)
    world.moment += REFILL_SECONDS - 0.5
    assert (await world.read()).ttl_seconds == 1
    assert world.engine.requested == BUCKET_CAPACITY


async def test_engine_is_asked_again_when_the_held_order_expires(world: World) -> None:
    held = await world.read_until_held()
    assert held.ttl_seconds is not None
    world.moment += held.ttl_seconds
    assert await world.read() == Order((str(BUCKET_CAPACITY), "a", "b"))
    assert (await world.read()).ttl_seconds == int(REFILL_SECONDS)


@pytest.mark.parametrize("minutes", [BUCKET_CAPACITY, 600])
async def test_bucket_fills_up_again(world: World, minutes: int) -> None:
    await world.read_until_held()
    world.moment += minutes * REFILL_SECONDS
    await world.read_until_held()
    assert world.engine.requested == 2 * BUCKET_CAPACITY


async def test_orders_that_were_not_filled_do_not_prolong_the_next_hold(world: World) -> None:
    for _ in range(20):
        assert (await world.read(count=4)).ttl_seconds is None
    await world.read()
    assert await world.read() == Order(("20", "a", "b"), int(REFILL_SECONDS), is_held=True)


async def test_order_of_a_later_call_is_kept(world: World) -> None:
    """Also when the response to an earlier one comes after it."""
    world.engine.slow_calls = {0}
    first = asyncio.create_task(world.read())
    await asyncio.sleep(0)
    world.moment += 1
    for _ in range(BUCKET_CAPACITY - 1):
        await world.read()
    world.engine.go_on.set()
    assert (await first).ids[0] == "0"
    assert (await world.read()).ids[0] == str(BUCKET_CAPACITY - 1)


async def test_concurrent_calls_empty_the_bucket(world: World) -> None:
    await world.read()
    orders = await asyncio.gather(*(world.read() for _ in range(10)))
    assert world.engine.requested == BUCKET_CAPACITY
    assert sum(order.ttl_seconds is None for order in orders) == BUCKET_CAPACITY - 1


async def test_failed_call_keeps_the_last_order(world: World) -> None:
    await world.read()
    world.engine.is_down = True
    for _ in range(BUCKET_CAPACITY - 1):
        with pytest.raises(UnavailableError):
            await world.read()
    assert (await world.read()).ids[0] == "0"


async def test_listeners_have_their_own_buckets(world: World) -> None:
    await world.read_until_held()
    assert (await world.read(BOB)).ttl_seconds is None


async def test_order_that_the_engine_could_not_fill_does_not_hold(world: World) -> None:
    for number in range(BUCKET_CAPACITY + 2):
        assert await world.read(count=4) == Order((str(number), "a", "b"))
