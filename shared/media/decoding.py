"""Decodes untrusted files, a few at a time: a file can be made very expensive to decode.

In threads of their own: those of asyncio also look up host names, and a few uploads that keep them busy would
keep every new connection waiting.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 2

Result = TypeVar("Result")

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="decoding")


async def decoded(decode: Callable[[], Result]) -> Result:
    """What `decode` returns, run when one of the threads is free."""
    return await asyncio.get_running_loop().run_in_executor(_threads, decode)
