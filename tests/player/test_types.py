"""The types that the player's JSDoc states, checked by TypeScript."""

import os
import shutil
import subprocess

import pytest

from tests.system.running import PROJECT

COMPILER = PROJECT / "build" / "client" / "node_modules" / "typescript" / "bin" / "tsc"


def test_player_type_checks() -> None:
    node = shutil.which("node")
    if node is None or not COMPILER.exists():
        reason = "make client has not run, or Node.js is missing"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    command = [node, str(COMPILER), "--project", str(PROJECT / "embedded" / "player" / "jsconfig.json")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert checked.returncode == 0, checked.stdout
