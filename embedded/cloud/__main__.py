"""`python -m embedded.cloud`: the local cloud as a process, configured by environment variables (see
`settings`).

`PORT` (3010) and `HOST` (127.0.0.1, so that only this machine reaches it) are its address.
"""

import os
import sys

import uvicorn

from embedded.cloud.app import create_cloud
from embedded.cloud.settings import CloudSettings, MissingSettingsError

# Longer than any of our clients keeps an idle connection: the client must close it first, or a request that
# it sends at that moment is lost.
KEEP_ALIVE_SECONDS = 75
EXTRA_SECONDS = 5


def main() -> int:
    try:
        settings = CloudSettings.from_env()
    except MissingSettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    uvicorn.run(
        create_cloud(settings),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "3010")),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=EXTRA_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
