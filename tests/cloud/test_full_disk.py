"""The local cloud on a full disk says so, and keeps what it has acknowledged."""

import asyncio
import errno
import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from embedded.cloud.app import create_cloud
from embedded.cloud.cloudinary.uploads import Uploads
from tests.cloud.media import make_picture
from tests.cloud.process import Running, environment, started
from tests.cloud.running import fresh_settings
from tests.small_disk import needs_small_disk, small_disk


def full_database() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA max_page_count = 1")
    connection.execute("CREATE TABLE notes (text TEXT)")


def full_file() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def refused(tmp_path: Path, path: str, write: Callable[[], None]) -> httpx.Response:
    """The response of a call that writes."""
    cloud = create_cloud(fresh_settings(tmp_path, 1, recombee_database_id="music"))

    async def call(_: Request) -> Response:
        write()
        return Response()

    cloud.router.routes.insert(0, Route(path, call))
    transport = httpx.ASGITransport(cloud, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://cloud") as http:
        return await http.get(path)


@pytest.mark.parametrize("write", [full_database, full_file])
async def test_full_disk_is_a_problem_with_507(tmp_path: Path, write: Callable[[], None]) -> None:
    response = await refused(tmp_path, "/sign-in", write)
    assert response.status_code == 507
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json()["code"] == "disk_full"
    assert "disk of the local cloud is full" in response.json()["error"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/users", lambda body: body["errors"][0]["message"]),
        ("/v1_1/local/call", lambda body: body["error"]["message"]),
        ("/music/items", lambda body: body["message"]),
    ],
)
async def test_providers_word_a_full_disk_their_way(
    tmp_path: Path, path: str, message: Callable[[Any], str]
) -> None:
    response = await refused(tmp_path, path, full_file)
    assert response.status_code == 507
    assert "disk of the local cloud is full" in message(response.json())


async def test_other_failures_stay_internal_errors(tmp_path: Path) -> None:
    def fail() -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    assert (await refused(tmp_path, "/sign-in", fail)).status_code == 500


class FullFile:
    """Its first bytes can be read, then there is no space for more."""

    file: Any

    def __init__(self) -> None:
        self.file = self

    def seek(self, offset: int, whence: int = 0) -> int:
        return 1

    def read(self, size: int) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_upload_without_space_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        asyncio.run(Uploads(tmp_path).whole(FullFile()))  # type: ignore[arg-type] # what it reads of an UploadFile
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@needs_small_disk
def test_acknowledged_accounts_outlive_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=4) as disk:
        env = environment(tmp_path / "cloud")
        with started(env, disk.command) as first:
            disk.fill()
            acknowledged: list[str] = []
            while (response := sign_in(first, len(acknowledged))).is_success:
                acknowledged.append(response.json()["clerkId"])
            assert (response.status_code, response.json()["code"]) == (507, "disk_full")
            with pytest.raises(cloudinary.exceptions.GeneralError, match="disk is full"):
                cloudinary.api.ping(**first.cloudinary_options)
            with pytest.raises(cloudinary.exceptions.Error, match="disk of the local cloud is full"):
                upload(first)
            disk.empty()
            acknowledged.append(sign_in(first, len(acknowledged)).json()["clerkId"])
            assert "existing" not in upload(first)
            first.kill()
        with started(env, disk.command) as second:
            kept = [sign_in(second, number).json()["clerkId"] for number in range(len(acknowledged))]
            assert kept == acknowledged


def sign_in(cloud: Running, number: int) -> httpx.Response:
    return httpx.post(f"{cloud.url}/sign-in", json={"email": f"listener{number}@example.org"}, timeout=30)


def upload(cloud: Running) -> Any:
    picture = io.BytesIO(make_picture())
    return cloudinary.uploader.upload(picture, public_id="cover", overwrite=False, **cloud.cloudinary_options)
