"""`python -m embedded`: the whole system on this machine, until Ctrl-C."""

import signal
import sys

if __name__ == "__main__":
    # Until the system handles Ctrl-C, it ends the process as SIGTERM does: no traceback of an import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from embedded.launch import main

    sys.exit(main())
