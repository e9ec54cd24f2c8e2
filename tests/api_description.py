"""`docs/openapi.json`, the description of the API at the gateway: `make openapi` writes it."""

import json
import tempfile
from pathlib import Path
from typing import Any

import httpx

from tests.system.running import PROJECT, running_system

DOCUMENT = PROJECT / "docs" / "openapi.json"


def described_at(gateway: str) -> dict[str, Any]:
    """The response of the gateway at this address."""
    document: dict[str, Any] = httpx.get(f"{gateway}/openapi.json", timeout=30).raise_for_status().json()
    return document


def to_text(document: dict[str, Any]) -> str:
    """As it is committed: readable in a review."""
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder) / "data") as system:
        DOCUMENT.write_text(to_text(described_at(system.gateway)))
