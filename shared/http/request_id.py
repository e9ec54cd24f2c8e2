"""The request id of all logs: from `X-Request-ID` when it is valid, else generated here."""

import random
import re
from contextvars import ContextVar

HEADER = "X-Request-ID"

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}")
_current: ContextVar[str] = ContextVar("request_id", default="-")


def adopt_request_id(offered: str | None) -> str:
    """Set the id of the request that this task serves, and return it. It is unique, and no secret."""
    chosen = offered if offered and _WELL_FORMED.fullmatch(offered) else f"{random.getrandbits(128):032x}"
    _current.set(chosen)
    return chosen


def current_request_id() -> str:
    """The id of the request that this task serves; `-` outside of one."""
    return _current.get()
