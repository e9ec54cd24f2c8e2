"""One process of the embedded system: `python -m embedded.child {redis|cloud|user|song|album|gateway}`."""

import ctypes
import gc
import sys
from importlib import import_module

from embedded.parent_watchdog import end_with_parent

ENTRIES = {
    "redis": ("embedded.redis", "run"),
    "cloud": ("embedded.cloud.__main__", "main"),
    "user": ("embedded.apps.user", "run"),
    "song": ("embedded.apps.song", "run"),
    "album": ("embedded.apps.album", "run"),
    "gateway": ("api_gateway.main", "main"),
}
_PR_SET_NAME = 15


def run(name: str) -> None:
    """Run the process of this name, until SIGTERM, or until the supervisor has ended."""
    if sys.platform == "linux":
        # How `ps` and `top` show it: a fork has the arguments of the supervisor.
        ctypes.CDLL(None).prctl(_PR_SET_NAME, f"music-{name}".encode())
    end_with_parent()
    module, function = ENTRIES[name]
    gc.disable()  # importing creates much that stays, and collections would look at all of it again and again
    function_of_module = getattr(import_module(module), function)
    gc.enable()
    function_of_module()


if __name__ == "__main__":
    run(sys.argv[1])
