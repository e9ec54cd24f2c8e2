"""Measurements as Markdown, between two marks of docs/benchmarks.md."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

BEGIN = "<!-- make bench: begin -->"
END = "<!-- make bench: end -->"
_LIBRARIES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "redis", "motor", "orjson")


@dataclass(slots=True)
class Table:
    """A table with its heading; `notes` stand below it."""

    heading: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_markdown(self) -> str:
        lines = [f"### {self.heading}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line(row) for row in self.rows]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _command_version(*command: str) -> str:
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return "not installed"
    found = re.search(r"\d+\.\d+(\.\d+)?", shown.stdout + shown.stderr)
    return found[0] if found else "unknown"


def machine() -> str:
    """Where and when this was measured, with versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), Python"
        f" {platform.python_version()}, {libraries}, redis-server"
        f" {_command_version('redis-server', '--version')}, nginx {_command_version('nginx', '-v')},"
        f" 32 connections."
    )


def to_markdown(tables: Mapping[str, Table]) -> str:
    """All tables, below the description of the machine."""
    return "\n\n".join([machine(), *(table.to_markdown() for table in tables.values())]) + "\n"


def replace_section(document: Path, text: str) -> None:
    """Put `text` between the marks of `document`, which has both."""
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{text}{END}{after}")
