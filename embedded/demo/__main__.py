"""`python -m embedded.demo`: puts the demo content into a system that is already running."""

import argparse
import asyncio
import sys

from embedded.demo.progress import ProgressBar
from embedded.demo.seed import SeedError, seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded.demo", description="Put the demo content in.")
    parser.add_argument("--gateway", default="http://127.0.0.1:3000", help="the gateway's address")
    parser.add_argument("--cloud", default="http://127.0.0.1:3010", help="the local cloud's address")
    arguments = parser.parse_args()
    try:
        with ProgressBar() as bar:
            summary = asyncio.run(seed(arguments.gateway, arguments.cloud, bar))
    except SeedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stderr.write(f"{summary}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
