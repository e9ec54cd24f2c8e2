"""Songs as the local Cloudinary delivers them, measured by decoding."""

import asyncio
from pathlib import Path
from typing import Any

import cloudinary.uploader
import cloudinary.utils
import httpx
import pytest

from embedded.cloud.settings import CloudSettings
from tests.cloud.media import SONG_SECONDS, make_sound, measure
from tests.cloud.running import wait_until
from tests.cloud.sending import upload_song


def sdk_url(cloud: CloudSettings, public_id: str, **options: Any) -> str:
    """The URL that the SDK builds for a cloud that is reached without TLS."""
    url, _ = cloudinary.utils.cloudinary_url(
        public_id,
        resource_type="video",
        format="mp3",
        secure=False,
        cname=cloud.public_url.removeprefix("http://"),
        cloud_name=cloud.cloud_name,
        api_secret=cloud.cloudinary_api_secret,
        **options,
    )
    return str(url)


@pytest.mark.parametrize("kbps", [64, 128, 320])
@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg"])
async def test_renditions_have_the_requested_bit_rate(
    cloud: CloudSettings, songs: dict[str, str], kind: str, kbps: int
) -> None:
    url = sdk_url(
        cloud, songs[kind], audio_codec="mp3", audio_frequency=44100, bit_rate=f"{kbps}k", version=7
    )
    async with httpx.AsyncClient(timeout=60) as http:
        response = await http.get(url)
    assert response.status_code == 200
    assert response.headers["content-type"] == "audio/mpeg"
    assert response.headers["content-length"] == str(len(response.content))
    sound = measure(response.content)
    assert sound.codec == "mp3"
    assert sound.bit_rate == pytest.approx(kbps * 1000, rel=0.1)
    assert sound.seconds == pytest.approx(SONG_SECONDS, abs=0.1)
    assert sound.claimed_seconds == pytest.approx(SONG_SECONDS, abs=0.1)
    assert b"Info" in response.content[:200], "without it a player guesses the duration"
    assert (sound.frequency_hz, sound.channels) == (44100, 2)


@pytest.mark.parametrize(("frequency_hz", "channels"), [(8000, 1), (22050, 2), (48000, 1), (48000, 6)])
async def test_unusual_recordings_reach_the_highest_bit_rate(
    cloudinary_options: dict[str, Any],
    video: httpx.AsyncClient,
    tmp_path: Path,
    frequency_hz: int,
    channels: int,
) -> None:
    file = make_sound(tmp_path / "odd.wav", frequency_hz=frequency_hz, channels=channels)
    public_id = await asyncio.to_thread(upload_song, file, cloudinary_options)
    sound = measure((await video.get(f"br_320k/v1/{public_id}.mp3")).content)
    assert sound.bit_rate == pytest.approx(320_000, rel=0.1)
    assert sound.channels == min(channels, 2)
    assert sound.frequency_hz == (frequency_hz if frequency_hz >= 32000 else 44100)


async def test_concurrent_requests_share_one_transcoding(
    cloud: CloudSettings, cloudinary_options: dict[str, Any], video: httpx.AsyncClient, tmp_path: Path
) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=30)
    public_id = await asyncio.to_thread(upload_song, file, cloudinary_options)
    media = cloud.data_dir / "cloudinary" / "media"
    before = set(media.rglob("*"))
    responses = await asyncio.gather(*(video.get(f"br_128k/v1/{public_id}.mp3") for _ in range(10)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.content for response in responses}) == 1
    assert len({response.headers["etag"] for response in responses}) == 1
    spelled_otherwise = await video.get(f"ac_mp3,br_128000/{public_id}.mp3")
    assert spelled_otherwise.headers["etag"] == responses[0].headers["etag"]
    assert [path.suffix for path in set(media.rglob("*")) - before] == [".mp3"]


async def test_cancelled_request_does_not_cancel_the_transcoding(
    cloud: CloudSettings, cloudinary_options: dict[str, Any], video: httpx.AsyncClient, tmp_path: Path
) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=60)
    public_id = await asyncio.to_thread(upload_song, file, cloudinary_options)
    media = cloud.data_dir / "cloudinary" / "media"
    leaving = asyncio.create_task(video.get(f"br_192k/v1/{public_id}.mp3"))
    await asyncio.to_thread(wait_until, lambda: any(media.rglob("192k-*.part")))
    staying = asyncio.create_task(video.get(f"br_192k/v1/{public_id}.mp3"))
    leaving.cancel()
    assert (await staying).status_code == 200


async def test_song_removed_during_transcoding_is_not_found(
    cloud: CloudSettings, cloudinary_options: dict[str, Any], video: httpx.AsyncClient, tmp_path: Path
) -> None:
    file = make_sound(tmp_path / "song.wav", seconds=60)
    public_id = await asyncio.to_thread(upload_song, file, cloudinary_options)
    media = cloud.data_dir / "cloudinary" / "media"
    playing = asyncio.create_task(video.get(f"br_256k/v1/{public_id}.mp3"))
    await asyncio.to_thread(wait_until, lambda: any(media.rglob("256k-*.part")))
    await asyncio.to_thread(
        cloudinary.uploader.destroy, public_id, resource_type="video", **cloudinary_options
    )
    assert (await playing).status_code == 404


async def test_original_is_delivered_unchanged(video: httpx.AsyncClient, songs: dict[str, str]) -> None:
    for kind, media_type in (("wav", "audio/wav"), ("flac", "audio/flac"), ("ogg", "audio/ogg")):
        response = await video.get(f"v1/{songs[kind]}.{kind}")
        assert response.headers["content-type"] == media_type
        assert measure(response.content).seconds == pytest.approx(SONG_SECONDS, abs=0.1)
        assert (await video.get(f"{songs[kind]}")).content == response.content


async def test_signed_urls_are_checked(cloud: CloudSettings, songs: dict[str, str]) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        for options in ({}, {"long_url_signature": True}):
            url = sdk_url(cloud, songs["mp3"], bit_rate="64k", sign_url=True, **options)
            assert "/s--" in url
            assert (await http.get(url)).status_code == 200
            assert (await http.get(url.replace("br_64k", "br_320k"))).status_code == 401


@pytest.mark.parametrize(
    "requested",
    [
        "br_77k",
        "br_1000k",
        "br_-5k",
        "br_64k,br_128k",
        "af_12345",
        "ac_aac",
        "e_volume:50",
        "w_300",
        "br_64k/xx_1",
    ],
)
async def test_unsupported_rendition_is_refused_with_a_reason(
    video: httpx.AsyncClient, songs: dict[str, str], requested: str
) -> None:
    response = await video.get(f"{requested}/v1/{songs['mp3']}.mp3")
    assert response.status_code == 400
    assert "Invalid transformation" in response.headers["x-cld-error"]
    assert response.headers["access-control-allow-origin"] == "*"


async def test_unknown_media_are_not_found(
    cloud: CloudSettings, video: httpx.AsyncClient, songs: dict[str, str]
) -> None:
    for url in ("v1/songs/unknown.mp3", "br_64k/v1/songs/unknown.mp3", "v1/", ""):
        assert (await video.get(url)).status_code == 404, url
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as elsewhere:
        public_id = songs["mp3"]
        assert (
            await elsewhere.get(f"/{cloud.cloud_name}/image/upload/v1/{public_id}.mp3")
        ).status_code == 404
        assert (await elsewhere.get(f"/{cloud.cloud_name}/raw/upload/v1/{public_id}.mp3")).status_code == 404
        assert (await elsewhere.get(f"/other/video/upload/v1/{public_id}.mp3")).status_code == 404


async def raw_get(cloud: CloudSettings, target: str) -> bytes:
    """The whole response to a request whose target no client library has tidied up."""
    host, _, port = cloud.public_url.removeprefix("http://").partition(":")
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize(
    "path",
    [
        "../../../clerk/signing-key.pem",
        "v1/../../clerk/signing-key.pem",
        "v1/..%2f..%2f..%2fclerk%2fsigning-key.pem",
        "v1/%2e%2e/%2e%2e/clerk/signing-key.pem",
        "v1/%252e%252e/clerk/signing-key.pem",
        "v1//etc/passwd",
        "v1/%2fetc%2fpasswd",
        "v1/..\\..\\clerk\\signing-key.pem",
        "br_64k/v1/../assets.sqlite3",
        "v1/songs%00.mp3",
        "v1/.",
        "/etc/passwd",
    ],
)
async def test_path_traversal_is_refused(cloud: CloudSettings, songs: dict[str, str], path: str) -> None:
    response = await raw_get(cloud, f"/{cloud.cloud_name}/video/upload/{path}")
    assert response.split(b" ", 2)[1] in (b"404", b"400")
    assert b"PRIVATE KEY" not in response
    assert b"root:" not in response
