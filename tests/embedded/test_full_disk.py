"""The whole system on a disk that is full, or becomes so."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.embedded.test_supervisor import until
from tests.small_disk import SmallDisk, needs_small_disk, small_disk
from tests.system.processes import below, kill
from tests.system.running import PORTS, START_SECONDS, People, free_ports, running_system

pytestmark = [pytest.mark.slow, needs_small_disk]


def start(disk: SmallDisk, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A start that fails."""
    ports = {name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    return subprocess.run(
        [*disk.command, sys.executable, "-m", "embedded"],
        env={**os.environ, **ports, "DATA_DIR": str(disk.folder / "data"), **variables},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def test_demo_that_does_not_fit_says_what_to_do(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=6) as disk:
        run = start(disk, DEMO="true")
        assert run.returncode == 1
        assert "Traceback" not in run.stderr
        assert f"The disk of DATA_DIR {disk.folder / 'data'} is full or nearly so (" in run.stderr
        assert (
            "Free some space, or set DATA_DIR to a folder on another disk; then start again.\n" in run.stderr
        )


def test_start_on_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=1) as disk:
        disk.fill()
        run = start(disk, DEMO="false")
        assert run.returncode == 1
        assert "Traceback" not in run.stderr
        assert "No space left on device" in run.stderr


async def test_acknowledged_writes_outlive_a_full_disk(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    variables = {"TMPDIR": str(tmp_path), "CLOUD_PORT": str(free_ports(1)[0])}
    emails = [f"listener{number}@test.local" for number in range(200)]
    with small_disk(folder, megabytes=8) as disk:
        with running_system(folder / "data", command=disk.command, **variables) as system:
            people = People(system)
            signed_in = [await people.sign_in(email) for email in emails]
            disk.fill(leave_bytes=100_000)
            registered = await register(people, emails, signed_in)
            assert 0 < len(registered) < len(emails)
            disk.fill()
            async with httpx.AsyncClient(timeout=30) as http:
                refused = await http.post(f"{system.cloud}/sign-in", json={"email": emails[0]})
                assert refused.status_code == 507
                health = (await http.get(f"{system.gateway}/health/services")).json()
            degraded = {each["name"]: each["data"]["status"] for each in health["services"]}
            assert degraded["song"] == degraded["album"] == "DEGRADED"
            said = system.data_dir.with_suffix(".out")
            await until(lambda: f"The disk of DATA_DIR {system.data_dir} is full" in said.read_text())
            kill({system.process.pid, *below(system.process.pid)})
            await people.close()
        disk.empty()
        with running_system(folder / "data", command=disk.command, **variables) as system:
            people = People(system)
            signed_in = [await people.sign_in(email) for email in emails[: len(registered)]]
            assert await register(people, emails[: len(registered)], signed_in, expected=200) == registered
            await people.close()


async def register(
    people: People, emails: Sequence[str], signed_in: Sequence[dict[str, str]], expected: int = 201
) -> list[str]:
    """The ids of those whose registration was acknowledged, until one is not."""
    ids: list[str] = []
    for email, each in zip(emails, signed_in, strict=True):
        body = {"clerkId": each["clerkId"], "fullName": "Some Listener", "email": email, "imageUrl": ""}
        response = await people.client(each["token"]).post("/auth/register", json=body)
        if not response.is_success:
            assert response.status_code == 503
            assert "its disk is full" in response.json()["detail"]
            break
        assert response.status_code == expected
        ids.append(response.json()["_id"])
    return ids
