"""Writes to many connections together."""

import asyncio

from shared.http.write_batch import WriteBatch


async def test_writes_come_after_everything_that_is_ready() -> None:
    loop, done = asyncio.get_running_loop(), list[str]()
    batch = WriteBatch()

    def work(name: str) -> None:
        done.append(name)
        batch.add(lambda: done.append(f"{name} written"))

    for name in ("first", "second", "third"):
        loop.call_soon(work, name)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done == ["first", "second", "third", "first written", "second written", "third written"]


async def test_failed_write_does_not_stop_the_others() -> None:
    written: list[str] = []
    batch = WriteBatch()
    batch.add(lambda: written.append("first"))
    batch.add(lambda: [][0])
    batch.add(lambda: written.append("third"))
    await asyncio.sleep(0)
    assert written == ["first", "third"]


async def test_write_may_add_another() -> None:
    written: list[str] = []
    batch = WriteBatch()

    def write() -> None:
        written.append("first")
        batch.add(lambda: written.append("second"))

    batch.add(write)
    await asyncio.sleep(0)
    assert written == ["first"]
    await asyncio.sleep(0)
    assert written == ["first", "second"]
