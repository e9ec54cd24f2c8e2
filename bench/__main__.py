"""`python -m bench`: everything in one run; `make bench` writes the tables into docs/benchmarks.md.

Starts the production entry points with Redis: for single calls with a MongoDB-wire server and the smallest
catalogue; for the mixed workload and large catalogues on SQLite, because that server reads whole collections.
Needs `wrk`; nginx is compared with when it is installed. Nothing here is a test: compare within one run only.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench import report, scenarios, wrk

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"


async def _run(arguments: argparse.Namespace) -> dict[str, report.Table]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return await scenarios.run_all(
            Path(folder),
            seconds=arguments.seconds,
            song_counts=arguments.songs,
            only=arguments.only,
            request_count=arguments.requests,
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument("--songs", type=int, nargs="+", default=[50, 10_000, 100_000])
    parser.add_argument("--requests", type=int, default=1_000_000, help="of the measurement of memory")
    parser.add_argument("--only", nargs="+", choices=scenarios.NAMES, default=list(scenarios.NAMES))
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    arguments = parser.parse_args()
    if not wrk.is_installed():
        sys.stderr.write("Install wrk first (Debian: apt-get install wrk)\n")
        return 2
    tables = asyncio.run(_run(arguments))
    text = report.to_markdown(tables)
    if arguments.write:
        report.replace_section(DOCUMENT, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
