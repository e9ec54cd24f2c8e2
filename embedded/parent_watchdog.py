"""Ends a child when the supervisor ends, even if it is killed."""

import os
import signal
import sys
import threading


def end_with_parent() -> None:
    """End this process, in order, when its standard input closes: the supervisor holds the other end."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watchdog", daemon=True).start()
