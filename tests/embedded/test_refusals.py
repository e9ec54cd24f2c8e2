"""Errors of `make run` are one sentence, before anything starts."""

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded.installation import MovedError, installation_in, keep_media_url
from embedded.launch import main
from tests.system.running import PORTS, PROJECT, free_ports


@pytest.fixture(autouse=True)
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Free ones, which the environment names, as it does a folder for the state."""
    found = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    for name, port in found.items():
        monkeypatch.setenv(name, str(port))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return found


def test_duplicate_port_is_refused(
    ports: dict[str, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", str(ports["USER_PORT"]))
    assert main() == 1
    assert f"\n  USER_PORT and GATEWAY_PORT are both {ports['USER_PORT']}\n" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "99999", "-1", "http"])
def test_invalid_port_is_named(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", port)
    assert main() == 1
    assert "\n  GATEWAY_PORT: " in capsys.readouterr().err


def test_invalid_origin_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTEND_ORIGINS", "localhost:8080")
    assert main() == 1
    assert "\n  FRONTEND_ORIGINS: each origin is scheme://host" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_forbidden_port_is_not_called_in_use(
    ports: dict[str, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Guarded(socket.socket):
        def bind(self, address: Any) -> None:
            if address[1] == ports["GATEWAY_PORT"]:
                raise PermissionError(errno.EACCES, "Permission denied")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Guarded)
    assert main() == 1
    said = capsys.readouterr().err
    assert said == f"GATEWAY_PORT cannot be {ports['GATEWAY_PORT']}: Permission denied\n"


def test_unwritable_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for folder, why in (("file", "File exists"), ("file/below", "Not a directory")):
        monkeypatch.setenv("DATA_DIR", str(tmp_path / folder))
        assert main() == 1
        assert capsys.readouterr().err == f"DATA_DIR {tmp_path / folder} cannot be written: {why}\n"


def test_media_keep_the_port_in_their_urls(
    tmp_path: Path, ports: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    keys = installation_in(data).environment
    keep_media_url(data, "http://localhost:3010")
    assert main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "CLOUD_PORT has to stay as it was" in said
    assert "http://localhost:3010" in said
    assert installation_in(data).environment == keys
    installation_in(data).check_media_url("http://localhost:3010")
    with pytest.raises(MovedError):
        installation_in(data).check_media_url("http://localhost:3011")


def test_unused_cloud_port_may_change(
    tmp_path: Path, ports: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", ports["CLOUD_PORT"])):
        assert main() == 1
    assert f"in use: {ports['CLOUD_PORT']} (CLOUD_PORT)" in capsys.readouterr().err
    installation_in(tmp_path / "data").check_media_url("http://localhost:1")


def test_interrupted_import_ends_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "pydantic.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "embedded"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"importing\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == (b"", b"")
        assert process.returncode == -signal.SIGINT
