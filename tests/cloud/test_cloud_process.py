"""The local cloud as the process that the supervisor starts: its start, its end, its memory."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cloudinary.uploader
import httpx
import jwt
import pytest

from embedded.cloud.settings import CloudSettings, MissingSettingsError
from tests.cloud.media import make_sound
from tests.cloud.process import PROJECT, STOP_TIMEOUT_SECONDS, Running, environment, started
from tests.cloud.running import wait_until

pytestmark = pytest.mark.slow

ALLOWED_GROWTH_BYTES = 40_000_000


def children_of(pid: int) -> list[int]:
    """Processes that `pid` has started and that still run; Linux says so in /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def test_acknowledged_data_survive_a_kill(tmp_path: Path) -> None:
    env = environment(tmp_path / "cloud")
    file = make_sound(tmp_path / "song.wav", seconds=60)
    with started(env) as first:
        account = httpx.post(f"{first.url}/sign-in", json={"email": "maya@example.org"}, timeout=30).json()
        song = cloudinary.uploader.upload(
            str(file),
            resource_type="video",
            public_id="songs/kept",
            eager=[{"bit_rate": rate, "format": "mp3"} for rate in ("64k", "128k", "320k")],
            eager_async=True,
            **first.cloudinary_options,
        )
        folder = tmp_path / "cloud" / "cloudinary" / "media" / song["version_id"]
        wait_until(lambda: any(folder.glob("*.part")))
        first.kill()
    unfinished = 3 - len(list(folder.glob("*.mp3")))
    assert unfinished > 0, "the process was killed while it made renditions"
    with started(env) as second:
        again = httpx.post(f"{second.url}/sign-in", json={"email": "maya@example.org"}, timeout=30).json()
        assert again["clerkId"] == account["clerkId"]
        assert kid_of(again) == kid_of(account)
        original = httpx.get(song["secure_url"], timeout=30)
        assert hashlib.sha256(original.content).digest() == hashlib.sha256(file.read_bytes()).digest()
        wait_until(lambda: len(list(folder.glob("*.mp3"))) == 3, seconds=60)
    assert not list(folder.glob("*.part"))


def kid_of(account: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(account["token"])["kid"])


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_ends_all_processes_at_once(tmp_path: Path, ended_by: signal.Signals) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=150)
    with started(environment(tmp_path / "cloud")) as running:
        cloudinary.uploader.upload_large(
            str(file),
            resource_type="video",
            chunk_size=20_000_000,
            eager=[{"bit_rate": "320k", "format": "mp3"}],
            eager_async=True,
            **running.cloudinary_options,
        )
        wait_until(lambda: bool(children_of(running.process.pid)))
        converting = children_of(running.process.pid)
        running.process.send_signal(ended_by)
        # A process that a signal ended has its number, negative, as exit code; uvicorn passes it on.
        assert running.process.wait(STOP_TIMEOUT_SECONDS) in (0, -ended_by)
        assert [pid for pid in converting if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_large_upload_needs_little_memory(tmp_path: Path) -> None:
    size = 90_000_000
    file = tmp_path / "large.wav"
    make_sound(file, seconds=size / (44100 * 4))
    assert file.stat().st_size > size
    small = make_sound(tmp_path / "small.wav", seconds=1)
    with started(environment(tmp_path / "cloud")) as running:
        for _ in range(2):
            upload(running, small)
        status, references = (
            Path(f"/proc/{running.process.pid}/{name}") for name in ("status", "clear_refs")
        )
        references.write_text("5")
        before = peak_bytes(status)
        upload(running, file)
        grown = peak_bytes(status) - before
        assert grown < ALLOWED_GROWTH_BYTES


def upload(running: Running, file: Path) -> None:
    """As the services send it: signed by the SDK, streamed by httpx."""
    fields = cloudinary.utils.sign_request(
        {"timestamp": int(time.time())},
        {key: running.cloudinary_options[key] for key in ("api_key", "api_secret")},
    )
    with file.open("rb") as stream:
        response = httpx.post(
            f"{running.url}/v1_1/local/video/upload",
            data={name: str(value) for name, value in fields.items()},
            files={"file": ("song.wav", stream, "audio/wav")},
            timeout=60,
        )
    assert response.json()["bytes"] == file.stat().st_size


def peak_bytes(status: Path) -> int:
    match = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
    assert match
    return int(match[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="lists sockets from /proc")
def test_cloud_listens_on_loopback_only(tmp_path: Path) -> None:
    env = environment(tmp_path / "cloud")
    with started(env):
        port = f"{int(env['PORT']):04X}"
        listening = [
            line.split()[1].partition(":")[0]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{port}") and line.split()[3] == "0A"
        ]
    assert listening == ["0100007F"]


def test_start_names_all_missing_settings(tmp_path: Path) -> None:
    env = environment(tmp_path)
    del env["CLERK_SECRET_KEY"]
    env["CLOUDINARY_API_SECRET"] = " "
    run = subprocess.run(
        [sys.executable, "-m", "embedded.cloud"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        timeout=STOP_TIMEOUT_SECONDS,
        check=False,
    )
    assert run.returncode == 2
    assert b"CLERK_SECRET_KEY, CLOUDINARY_API_SECRET" in run.stderr


def test_settings_from_the_environment_hide_their_secrets(tmp_path: Path) -> None:
    env = environment(tmp_path)
    settings = CloudSettings.from_env({**env, "CLOUD_PUBLIC_URL": "http://localhost:3010/"})
    assert settings.public_url == "http://localhost:3010"
    assert settings.session_seconds == 3600
    for name in ("CLERK_SECRET_KEY", "CLOUDINARY_API_SECRET", "RECOMBEE_PRIVATE_TOKEN"):
        assert env[name] not in repr(settings)
    with pytest.raises(MissingSettingsError) as missing:
        CloudSettings.from_env({})
    assert len(missing.value.names) == 10
