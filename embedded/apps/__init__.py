"""The services on SQLite: the same apps, policies, providers and caches, with other stores behind the ports.

One module for each service, so that a process imports only its own service.
"""

import os
from pathlib import Path

SQLITE_FILE = "SQLITE_FILE"
"""The variable that names the database file of a service."""


def sqlite_file() -> Path:
    """The file of the service that this process runs."""
    return Path(os.environ[SQLITE_FILE])
