"""`make run` creates its .venv, and recreates it when it does not fit."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.system.running import PROJECT

pytestmark = pytest.mark.slow

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One that needs no package, and whose system only says which Python runs it."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "embedded.txt").touch()
    (tmp_path / "embedded.py").write_text("import sys; print('run by %d.%d' % sys.version_info[:2])\n")
    return tmp_path


def make_run(project: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    of_make = ("PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    inherited = {name: value for name, value in os.environ.items() if name not in of_make}
    return subprocess.run(
        ["make", "run", *arguments],
        cwd=project,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def of_version(project: Path, major: int, minor: int) -> dict[str, str]:
    """An environment in which every Python takes itself for that one."""
    folder = project / "another"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.version_info = ({major}, {minor}, 0, 'final', 0)\n"
    )
    return {"PYTHONPATH": str(folder)}


def test_interrupted_installation_is_repaired(project: Path) -> None:
    venv.create(project / ".venv", with_pip=False)
    run = make_run(project, f"PYTHON={sys.executable}")
    assert run.returncode == 0, run.stderr
    assert f"run by {VERSION}\n" in run.stdout
    (project / ".venv" / "kept").touch()
    assert make_run(project).stdout == f"run by {VERSION}\n"
    assert make_run(project, f"PYTHON={sys.executable}").stdout == f"run by {VERSION}\n"
    assert (project / ".venv" / "kept").exists()


def test_named_python_is_used(project: Path) -> None:
    """By `PYTHON=… make run`, too."""
    binaries = project / ".venv" / "bin"
    binaries.mkdir(parents=True)
    old = binaries / "python"
    old.write_text('#!/bin/sh\ntest "$1" = -c && echo 3 10 || echo run by an old one\n')
    old.chmod(0o755)
    for made in (".venv/made", ".venv/embedded.ready"):
        (project / made).touch()
    assert make_run(project).stdout == "run by an old one\n"
    run = make_run(project, PYTHON=sys.executable)
    assert run.returncode == 0, run.stderr
    assert f"run by {VERSION}\n" in run.stdout


@pytest.mark.parametrize("minor", [10, 15])
def test_unsupported_python_is_refused(project: Path, minor: int) -> None:
    run = make_run(project, f"PYTHON={sys.executable}", **of_version(project, 3, minor))
    assert run.returncode != 0
    assert f"Python 3.11 to 3.14 is needed, not 3.{minor}; name one: make PYTHON=python3.12 run" in run.stderr
    assert not (project / ".venv").exists()
