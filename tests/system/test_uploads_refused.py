"""Uploads that cannot be accepted: each says why, and leaves nothing behind anywhere."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.system import bad_media
from tests.system.leftovers import Leftovers
from tests.system.media import audio, image, make_album, song_form
from tests.system.problems import problem_in
from tests.system.running import People, RunningSystem, free_ports

FILES: dict[str, tuple[str, Callable[[], bytes], int, str]] = {
    "a text": ("audio", lambda: bad_media.TEXT, 415, "not_audio"),
    "an empty file": ("audio", lambda: b"", 422, "invalid_fields"),
    "one byte": ("audio", lambda: b"\xff", 415, "not_audio"),
    "half an MP3": ("audio", lambda: bad_media.truncated("mp3"), 415, "not_audio"),
    "half a WAV": ("audio", lambda: bad_media.truncated("wav"), 415, "not_audio"),
    "half a FLAC": ("audio", lambda: bad_media.truncated("flac"), 415, "not_audio"),
    "half an M4A": ("audio", lambda: bad_media.truncated("m4a"), 415, "not_audio"),
    "a damaged MP3": ("audio", bad_media.damaged_in_the_middle, 415, "not_audio"),
    "a picture": ("audio", image, 415, "not_audio"),
    "a film": ("audio", bad_media.video, 415, "not_audio"),
    "a web page": ("audio", lambda: bad_media.HTML, 415, "not_audio"),
    "a script of other files": (
        "audio",
        lambda: bad_media.concatenation("/etc/hostname"),
        415,
        "not_audio",
    ),
    "a WMA": ("audio", bad_media.wma, 415, "not_audio"),
    "a description of a stream elsewhere": ("audio", lambda: bad_media.SDP, 415, "not_audio"),
    "a HEIC": ("image", lambda: bad_media.HEIC, 415, "not_an_image"),
    "400 million pixels": ("image", lambda: bad_media.picture_bomb(20_000), 415, "not_an_image"),
    "an SVG with a script": ("image", lambda: bad_media.SVG_WITH_SCRIPT, 415, "not_an_image"),
    "no picture but a web page": ("image", lambda: bad_media.HTML, 415, "not_an_image"),
    "no picture but an empty file": ("image", lambda: b"", 422, "invalid_fields"),
    "no picture but sound": ("image", audio, 415, "not_an_image"),
    "half a PNG": ("image", lambda: bad_media.half("PNG"), 415, "not_an_image"),
    "half a JPEG": ("image", lambda: bad_media.half("JPEG"), 415, "not_an_image"),
    "a BMP": ("image", lambda: image("BMP"), 415, "not_an_image"),
    "144 million pixels": ("image", bad_media.picture_bomb, 415, "not_an_image"),
}

FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "no title": ({"title": None}, "title"),
    "a blank title": ({"title": "  "}, "title"),
    "a title too long": ({"title": "x" * 201}, "title"),
    "a title longer than a field may be": ({"title": "x" * 20_000}, "title"),
    "isPublic that is neither": ({"isPublic": "yes"}, "isPublic"),
    "isPublic as a number": ({"isPublic": "1"}, "isPublic"),
    "an album id that is none": ({"albumId": "nope"}, "albumId"),
    "an album id that is a query": ({"albumId": '{"$gt": ""}'}, "albumId"),
    "an unknown album": ({"albumId": "0" * 24}, "albumId"),
    "a genre too long": ({"genre": "x" * 51}, "genre"),
    "a mood that breaks the line": ({"mood": "calm\r\nX: y"}, "mood"),
}

UNREADABLE = b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nA\xff\r\n--x--\r\n'
"""In no character set that could be declared for it."""


def form(**changed: Any) -> dict[str, Any]:
    """A good upload but for the fields in `changed`; None leaves one out."""
    good = song_form("A song")
    good["data"] = {name: value for name, value in {**good["data"], **changed}.items() if value is not None}
    return good


@pytest.mark.parametrize("wrong", FILES)
async def test_file_of_another_kind_is_refused(wrong: str, system: RunningSystem, people: People) -> None:
    """Whatever its name and type say."""
    artist, (name, content, status, code) = await people.artist(), FILES[wrong]
    sent = form()
    sent["files"][name] = ("song.mp3", content(), "audio/mpeg") if name == "audio" else ("c.png", content())
    before = Leftovers(system)
    problem = problem_in(await artist.post("/songs", **sent), status, code)
    if status == 415:
        assert "Supported formats: " in str(problem["error"])
    if "pixels" in wrong:
        assert "more than 25 million pixels" in str(problem["error"])
    if name == "image":
        album = {"data": {"title": "An album"}, "files": {"image": ("c.png", content(), "image/png")}}
        problem_in(await artist.post("/albums", **album), status, code)
    assert await before.since() == set()


@pytest.mark.parametrize("wrong", FIELDS)
async def test_invalid_upload_field_is_named(wrong: str, system: RunningSystem, people: People) -> None:
    artist, (changed, field) = await people.artist(), FIELDS[wrong]
    before = Leftovers(system)
    problem = problem_in(await artist.post("/songs", **form(**changed)), 422, "invalid_fields")
    assert [each["field"] for each in problem["errors"]] == [field]  # type: ignore[attr-defined]
    if field in ("title", "isPublic"):
        data = {"title": "An album", **changed}
        sent: dict[str, Any] = {"data": {name: value for name, value in data.items() if value is not None}}
        problem = problem_in(await artist.post("/albums", **sent, files={"image": ("c.png", image())}), 422)
        assert [each["field"] for each in problem["errors"]] == [field]  # type: ignore[attr-defined]
    assert await before.since() == set()


async def test_upload_into_album_of_another_is_refused(system: RunningSystem, people: People) -> None:
    artist, other, admin = await people.artist(), await people.artist(), await people.admin()
    listed, private = await make_album(other), await make_album(other, public=False)
    before = Leftovers(system)
    for person, album in ((artist, listed), (artist, private), (admin, listed)):
        problem = problem_in(await person.post("/songs", **form(albumId=album["_id"])), 422)
        assert problem["detail"] == "albumId is not an album of yours"
    assert await before.since() == set()
    assert (await people.client().get(f"/albums/{listed['_id']}")).json()["songs"] == []


@pytest.mark.parametrize(
    ("path", "wrong"), [("/songs", ["title", "image", "audio"]), ("/albums", ["title", "image"])]
)
async def test_all_missing_fields_are_named_at_once(path: str, wrong: list[str], people: People) -> None:
    """So that all its fields can be marked."""
    artist = await people.artist()
    response = await artist.post(path, files={"nothing": (None, "")})
    problem = problem_in(response, 422, "invalid_fields")
    assert [each["field"] for each in response.json()["errors"]] == wrong
    assert problem["error"] == "; ".join(f"{field.capitalize()} is required" for field in wrong)


@pytest.mark.parametrize("missing", ["image", "audio"])
async def test_missing_file_is_named(missing: str, system: RunningSystem, people: People) -> None:
    artist, before = await people.artist(), Leftovers(system)
    sent = form()
    del sent["files"][missing]
    for changed, reason in (
        ({}, "is required"),
        ({missing: "https://example.org/file"}, "must be sent as a file, with a file name"),
    ):
        sent["data"] = {"title": "A song", **changed}
        problem = problem_in(await artist.post("/songs", **sent), 422)
        assert problem["detail"] == f"{missing.capitalize()} {reason}"
    assert await before.since() == set()


@pytest.mark.parametrize("extra", ["audio", "image", "video", "title"])
async def test_extra_file_is_refused(extra: str, system: RunningSystem, people: People) -> None:
    artist, before = await people.artist(), Leftovers(system)
    sent = form()
    sent["files"] = [*sent["files"].items(), (extra, ("extra.mp3", audio(), "audio/mpeg"))]
    problem = problem_in(await artist.post("/songs", **sent), 422)
    taken = extra in ("audio", "image")
    reason = (
        f"{extra}: exactly one file"
        if taken
        else f"{extra.capitalize()} must not be a file: this form takes image and audio"
    )
    assert problem["detail"] == reason
    assert await before.since() == set()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"title": "A song"}'),
        ("multipart/form-data", b"--x\r\n\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"nothing of the kind"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nA\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nID3 and no end',
        ),
        ("multipart/form-data; boundary=x", b""),
        ('multipart/form-data; boundary=""', b"--\r\n\r\n----\r\n"),
        ("multipart/form-data; boundary=x; charset=undefined", UNREADABLE),
        ("application/x-www-form-urlencoded", b"title=A+song"),
        ("text/plain", b"A song"),
    ],
)
async def test_malformed_form_is_400(
    content_type: str, body: bytes, system: RunningSystem, people: People
) -> None:
    artist, before = await people.artist(), Leftovers(system)
    for path in ("/songs", "/albums"):
        response = await artist.post(path, content=body, headers={"Content-Type": content_type})
        problem_in(response, 400, "malformed")
    assert await before.since() == set()


async def test_too_many_form_fields_are_400(system: RunningSystem, people: People) -> None:
    artist, before = await people.artist(), Leftovers(system)
    many = {f"field{number}": "x" for number in range(50)}
    problem_in(await artist.post("/songs", **form(**many)), 400, "malformed")
    assert await before.since() == set()


async def test_playlist_file_is_refused_and_not_fetched(system: RunningSystem, people: People) -> None:
    visitors: list[object] = []
    (port,) = free_ports(1)
    server = await asyncio.start_server(lambda *visitor: visitors.append(visitor), "127.0.0.1", port)
    async with server:
        artist, before = await people.artist(), Leftovers(system)
        sent = form()
        for content in (
            bad_media.playlist(f"http://127.0.0.1:{port}/stolen.mp3"),
            bad_media.playlist("file:///etc/hostname"),
            bad_media.concatenation(f"http://127.0.0.1:{port}/stolen.mp3"),
        ):
            sent["files"]["audio"] = ("song.mp3", content, "audio/mpeg")
            problem_in(await artist.post("/songs", **sent), 415, "not_audio")
    assert visitors == []
    assert await before.since() == set()


@pytest.mark.parametrize(
    "filename", ["../../../../evil.mp3", "/etc/passwd", "a\\..\\evil.mp3", "..", "%2e%2e%2fevil"]
)
async def test_file_name_is_never_used_as_path(filename: str, system: RunningSystem, people: People) -> None:
    artist, before = await people.artist(), Leftovers(system)
    sent = form()
    sent["files"] = {"image": (filename, image(), "x/y"), "audio": (filename, audio(), "x/y")}
    response = await artist.post("/songs", **sent)
    assert response.status_code == 201
    song = response.json()
    for url in (song["imageUrl"], song["audioUrl"], *song["streamingUrls"].values()):
        assert "evil" not in url
        assert "passwd" not in url
        assert f"/songs/{song['_id']}/" in url
    assert not any("evil" in each or "passwd" in each for each in before.now())
    assert list(system.data_dir.parent.rglob("*evil*")) == []
    assert (await artist.delete(f"/songs/{song['_id']}")).status_code == 200
    assert await before.since() == set()
