"""One process of the embedded system: `python -m embedded.child {redis|cloud|user|song|album|gateway}`."""

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


def main() -> None:
    """Run what the first argument names, until SIGTERM, or until the supervisor has ended."""
    end_with_parent()
    module, function = ENTRIES[sys.argv[1]]
    gc.disable()  # importing creates much that stays, and collections would look at all of it again and again
    run = getattr(import_module(module), function)
    gc.enable()
    run()


if __name__ == "__main__":
    main()
