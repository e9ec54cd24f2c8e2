"""Range requests, conditional requests and headers at the local Cloudinary."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.media import make_sound
from tests.cloud.sending import upload_song


async def test_first_response_has_all_streaming_headers(
    video: httpx.AsyncClient, cloudinary_options: dict[str, Any], tmp_path: Path
) -> None:
    public_id = await asyncio.to_thread(upload_song, make_sound(tmp_path / "new.wav"), cloudinary_options)
    response = await video.get(f"br_64k/v1/{public_id}.mp3", headers={"Range": "bytes=0-"})
    assert response.status_code == 206
    size = len(response.content)
    assert response.headers["content-length"] == str(size)
    assert response.headers["content-range"] == f"bytes 0-{size - 1}/{size}"
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["etag"].startswith('"')
    assert "last-modified" in response.headers
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = response.headers["access-control-expose-headers"]
    assert {"Content-Length", "Content-Range", "Accept-Ranges", "ETag"} <= set(exposed.split(", "))


@pytest.mark.parametrize(
    ("requested", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("bytes=1000-", 1000, None),
        ("bytes=-500", -500, None),
    ],
)
async def test_range_request_gets_its_part(
    video: httpx.AsyncClient, songs: dict[str, str], requested: str, first: int, last: int | None
) -> None:
    url = f"br_128k/v1/{songs['mp3']}.mp3"
    whole = (await video.get(url)).content
    response = await video.get(url, headers={"Range": requested})
    expected = whole[first:] if last is None else whole[first : last + 1]
    begin = first if first >= 0 else len(whole) + first
    assert response.status_code == 206
    assert response.content == expected
    assert response.headers["content-range"] == f"bytes {begin}-{begin + len(expected) - 1}/{len(whole)}"


async def test_range_beyond_the_end_is_416(video: httpx.AsyncClient, songs: dict[str, str]) -> None:
    url = f"v1/{songs['mp3']}.mp3"
    size = (await video.head(url)).headers["content-length"]
    for requested in (f"bytes={size}-", "bytes=-0"):
        response = await video.get(url, headers={"Range": requested})
        assert response.status_code == 416
        assert response.headers["content-range"] == f"bytes */{size}"
        assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("requested", ["bytes=5-1", "bytes=0-1,5-9", "bytes=a-b", "seconds=0-1", "bytes=-"])
async def test_malformed_range_gets_the_whole_file(
    video: httpx.AsyncClient, songs: dict[str, str], requested: str
) -> None:
    response = await video.get(f"v1/{songs['mp3']}.mp3", headers={"Range": requested})
    assert response.status_code == 200


async def test_conditional_request_is_304(video: httpx.AsyncClient, songs: dict[str, str]) -> None:
    url = f"br_64k/v1/{songs['ogg']}.mp3"
    first = await video.get(url)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for headers in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"other", W/{etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": modified},
        {"If-None-Match": etag, "Range": "bytes=0-9"},
    ):
        response = await video.get(url, headers=headers)
        assert (response.status_code, response.content) == (304, b""), headers
        assert response.headers["etag"] == etag
        assert response.headers["access-control-allow-origin"] == "*"
    for headers in (
        {"If-None-Match": '"other"', "If-Modified-Since": modified},
        {"If-Modified-Since": "yesterday"},
    ):
        assert (await video.get(url, headers=headers)).status_code == 200, headers


async def test_if_range_prevents_mixing_versions(video: httpx.AsyncClient, songs: dict[str, str]) -> None:
    url = f"br_64k/v1/{songs['ogg']}.mp3"
    first = await video.get(url)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for condition, status in (
        (etag, 206),
        (modified, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        ("nonsense", 200),
    ):
        response = await video.get(url, headers={"Range": "bytes=10-19", "If-Range": condition})
        assert response.status_code == status, condition


async def test_head_returns_the_headers_of_get(video: httpx.AsyncClient, songs: dict[str, str]) -> None:
    url = f"br_320k/v1/{songs['flac']}.mp3"
    head = await video.head(url)
    whole = await video.get(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "accept-ranges", "last-modified"):
        assert head.headers[name] == whole.headers[name]


async def test_cors_allows_range_requests(video: httpx.AsyncClient, songs: dict[str, str]) -> None:
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range",
    }
    response = await video.options(f"br_64k/v1/{songs['mp3']}.mp3", headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == "range"
