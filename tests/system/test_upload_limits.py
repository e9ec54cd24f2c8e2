"""Uploads that are too large, or not to be sent at all, are refused before they are read to their end."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.http.forms import FOLDERS
from tests.system.leftovers import Leftovers
from tests.system.media import audio, image, make_album
from tests.system.problems import problem_in
from tests.system.running import People, RunningSystem
from tests.system.sending import Outcome, repeated, send_until_success

MEGABYTE = 1024 * 1024
ON_THE_WAY = 24 * MEGABYTE
"""What the buffers of the connections to the gateway and behind it may hold, roughly."""

FORM = {"Content-Type": "multipart/form-data; boundary=between"}


def part(name: str, filename: str | None = None) -> bytes:
    """The lines before the content of a part."""
    of_file = f'; filename="{filename}"' if filename else ""
    return f'--between\r\nContent-Disposition: form-data; name="{name}"{of_file}\r\n\r\n'.encode()


TITLE = part("title") + b"Too long\r\n"
END = b"\r\n--between--\r\n"


async def send(
    system: RunningSystem, path: str, token: str | None, body: AsyncIterator[bytes], announced: int | None
) -> Outcome:
    headers = {**FORM, **({"Authorization": f"Bearer {token}"} if token else {})}
    return await send_until_success(system.gateway, path, body, headers, announced_bytes=announced)


@pytest.fixture(params=["announced", "in chunks"])
def is_announced(request: pytest.FixtureRequest) -> bool:
    """Whether the length of the body comes before it."""
    return bool(request.param == "announced")


@pytest.mark.parametrize("path", ["/songs", "/albums"])
async def test_oversized_image_is_refused_at_10_mb(
    path: str, is_announced: bool, system: RunningSystem, people: People
) -> None:
    artist, before, size = await people.artist(), Leftovers(system), 80 * MEGABYTE
    body = repeated(TITLE + part("image", "cover.png") + image(), b"\x00", size, END)
    outcome = await send(system, path, artist.token, body, size if is_announced else None)
    problem_in(outcome.response, 413, "too_large")
    assert outcome.sent_bytes < 10 * MEGABYTE + ON_THE_WAY
    assert await before.since() == set()


async def test_oversized_audio_is_refused_at_100_mb(system: RunningSystem, people: People) -> None:
    """The picture before it has been taken by then, and goes, too."""
    artist, before = await people.artist(), Leftovers(system)
    picture = part("image", "cover.png") + image() + b"\r\n"
    body = repeated(TITLE + picture + part("audio", "song.mp3"), audio(), 119 * MEGABYTE, END)
    outcome = await send(system, "/songs", artist.token, body, None)
    assert (
        problem_in(outcome.response, 413, "too_large")["detail"] == "Too large; at most 100 MB are accepted"
    )
    assert await before.since() == set()


@pytest.mark.parametrize("size", [112 * MEGABYTE, 150 * MEGABYTE, 10**15])
async def test_oversized_content_length_is_refused_at_once(
    size: int, system: RunningSystem, people: People
) -> None:
    artist, before = await people.artist(), Leftovers(system)
    body = repeated(TITLE + part("audio", "song.mp3"), audio(), 100 * MEGABYTE)
    outcome = await send(system, "/songs", artist.token, body, size)
    problem_in(outcome.response, 413)
    assert outcome.sent_bytes < ON_THE_WAY
    assert await before.since() == set()


REFUSED = (
    ("anonymous", 401, "sign_in_required"),
    ("forger", 401, "invalid_token"),
    ("unregistered", 403, "user_not_registered"),
    ("blocked", 403, "user_blocked"),
)


@pytest.mark.parametrize(
    ("path", "who", "status", "code"),
    [
        *(("/songs", *refused) for refused in REFUSED),
        *(("/albums", *refused) for refused in REFUSED),
        ("/songs", "user", 403, "role_not_allowed"),
    ],
)
async def test_unauthorized_upload_is_refused_before_its_body(
    path: str, who: str, status: int, code: str, is_announced: bool, system: RunningSystem, people: People
) -> None:
    token, before = await _token(who, people), Leftovers(system)
    size = 90 * MEGABYTE
    body = repeated(TITLE + part("image", "cover.png"), b"\x00", size, END)
    outcome = await send(system, path, token, body, size if is_announced else None)
    problem_in(outcome.response, status, code)
    assert outcome.sent_bytes < ON_THE_WAY
    assert await before.since() == set()


async def _token(who: str, people: People) -> str | None:
    if who == "anonymous":
        return None
    person = await people.user()
    if who == "forger":
        return person.token[:-8] + "AAAAAAAA"
    if who == "unregistered":
        return (await people.sign_in(f"never-{person.id}@test.local"))["token"]
    if who == "blocked":
        admin = await people.admin()
        assert (await admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": True})).is_success
    return person.token


async def test_aborted_upload_leaves_nothing(
    is_announced: bool, system: RunningSystem, people: People
) -> None:
    artist, before = await people.artist(), Leftovers(system)
    whole = TITLE + part("image", "cover.png") + image() + b"\r\n" + part("audio", "song.mp3") + audio()

    async def broken_off() -> AsyncIterator[bytes]:
        yield whole[:-1000]
        await asyncio.sleep(0.05)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await send(system, "/songs", artist.token, broken_off(), len(whole) if is_announced else None)
    assert await before.since() == set()
    assert (await artist.get("/songs/artist/my-songs")).json() == []


async def test_image_just_under_10_mb_is_accepted(people: People) -> None:
    artist = await people.artist()
    large = image() + b"\x00" * (10 * MEGABYTE - len(image()))
    files = {"image": ("cover.png", large, "image/png")}
    response: httpx.Response = await artist.post("/albums", data={"title": "Large"}, files=files)
    assert response.status_code == 201
    problem_in(
        await artist.post(
            "/albums", data={"title": "Larger"}, files={"image": ("cover.png", large + b"\x00", "image/png")}
        ),
        413,
        "too_large",
    )


async def test_old_temporary_files_are_removed_by_later_uploads(
    system: RunningSystem, people: People
) -> None:
    """Not before: a younger folder may be of an upload that is under way in another process."""
    old, young = (system.temporary_dir / f"{FOLDERS}{age}" for age in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
        (folder / "audio").write_bytes(b"sound")
    hours_ago = time.time() - 2 * 3600
    os.utime(old, (hours_ago, hours_ago))
    await make_album(await people.artist())
    assert (old.exists(), young.exists()) == (False, True)
    shutil.rmtree(young)
