"""Decodes untrusted files, a few at a time: a crafted file can be very expensive to decode.

They have their own threads: asyncio's also resolve host names, so a few uploads could delay every new
connection.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 2

Result = TypeVar("Result")

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="decoding")


async def decoded(decode: Callable[[], Result]) -> Result:
    """Runs `decode` when a thread is free, and returns its result."""
    return await asyncio.get_running_loop().run_in_executor(_threads, decode)
