"""Session tokens that run out while a request is under way, as Clerk's do after a minute."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.system.media import audio, image, make_album
from tests.system.running import People, RunningSystem, running_system

pytestmark = pytest.mark.slow

SESSION_SECONDS = 3


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    with running_system(
        tmp_path_factory.mktemp("short") / "data", CLOUD_SESSION_SECONDS=str(SESSION_SECONDS)
    ) as running:
        yield running


def slow_form(fields: dict[str, str], files: dict[str, bytes], pause_seconds: float) -> AsyncIterator[bytes]:
    """A multipart body that pauses before its last file."""

    async def parts() -> AsyncIterator[bytes]:
        for name, value in fields.items():
            yield f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for number, (name, content) in enumerate(files.items()):
            if number == len(files) - 1:
                await asyncio.sleep(pause_seconds)
            head = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
            yield head.encode() + content + b"\r\n"
        yield b"--b--\r\n"

    return parts()


async def test_upload_outliving_its_token_reaches_its_album(
    short_lived: RunningSystem,
) -> None:
    people = People(short_lived)
    try:
        artist = await people.artist()
        email = artist.email
        artist = await people.registered(email, artist.full_name)
        album = await make_album(artist)
        artist = await people.registered(email, artist.full_name)
        uploaded = await artist.post(
            "/songs",
            content=slow_form(
                {"title": "Slow line", "albumId": album["_id"]},
                {"image": image(), "audio": audio()},
                SESSION_SECONDS + 6,
            ),
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        assert uploaded.status_code == 201, uploaded.text
        assert (await artist.get("/songs")).status_code == 401
        shown = (await people.client().get(f"/albums/{album['_id']}")).json()
        assert [song["title"] for song in shown["songs"]] == ["Slow line"]
    finally:
        await people.close()
