"""One local cloud for all tests of this folder: their names differ, so they do not see each other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.cloud.settings import CloudSettings
from tests.cloud.media import SONG_SECONDS, make_sound
from tests.cloud.running import running_cloud
from tests.cloud.sending import sdk_options, upload_song


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudSettings]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as settings:
        yield settings


@pytest.fixture(scope="session")
def cloudinary_options(cloud: CloudSettings) -> dict[str, Any]:
    return sdk_options(cloud)


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sounds")
    return {
        kind: make_sound(folder / f"a.{kind}", seconds=2) for kind in ("wav", "flac", "mp3", "ogg", "m4a")
    }


@pytest.fixture(scope="session")
def long_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A little over 12 MB: three chunks of five."""
    return make_sound(tmp_path_factory.mktemp("long") / "long.wav", seconds=70)


@pytest.fixture(scope="session")
def songs(cloudinary_options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Public ids of uploaded songs, by format."""
    folder = tmp_path_factory.mktemp("songs")
    kinds = ("wav", "flac", "mp3", "ogg")
    files = {kind: make_sound(folder / f"song.{kind}", seconds=SONG_SECONDS) for kind in kinds}
    return {kind: upload_song(file, cloudinary_options) for kind, file in files.items()}


@pytest.fixture
async def video(cloud: CloudSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Asks for what follows `video/upload/`."""
    base_url = f"{cloud.public_url}/{cloud.cloud_name}/video/upload/"
    async with httpx.AsyncClient(base_url=base_url, timeout=60) as client:
        yield client


@pytest.fixture
async def image(cloud: CloudSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Asks for what follows `image/upload/`."""
    base_url = f"{cloud.public_url}/{cloud.cloud_name}/image/upload/"
    async with httpx.AsyncClient(base_url=base_url, timeout=60) as client:
        yield client
