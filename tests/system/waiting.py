"""Waiting for what happens soon, but not at once."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(
    happened: Callable[[], Awaitable[bool]], seconds: float = 30, *, pause_seconds: float = 0.05
) -> None:
    """Go on as soon as `happened` says so; fail when it does not within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while not await happened():  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(pause_seconds)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {happened.__qualname__}") from None
