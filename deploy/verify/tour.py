"""The README's tour against a running system: `python -m deploy.verify.tour GATEWAY CLOUD`."""

import asyncio
import io
import sys
import time

import av
import httpx

from deploy.verify.visitor import ADMIN_EMAIL, SONG_SECONDS, System, Visitor

RENDITIONS = {"low": 64, "medium": 128, "high": 320}


class TourError(Exception):
    """Something is not as the README says."""


def _check(true: bool, what: str) -> None:
    if not true:
        raise TourError(what)
    sys.stdout.write(f"  ok  {what}\n")
    sys.stdout.flush()


def _measure(mp3: bytes) -> tuple[float, float]:
    """Seconds of sound, by decoding all of it, and kbit/s."""
    with av.open(io.BytesIO(mp3), mode="r") as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        seconds = samples / container.streams.audio[0].rate
    return seconds, len(mp3) * 8 / 1000 / seconds


async def _listen(song: dict[str, dict[str, str]]) -> None:
    async with httpx.AsyncClient(timeout=60) as listener:
        for name, rate in RENDITIONS.items():
            response = await listener.get(song["streamingUrls"][name])
            response.raise_for_status()
            seconds, measured = _measure(response.content)
            right = SONG_SECONDS - 0.1 < seconds < SONG_SECONDS + 0.2 and 0.9 * rate < measured < 1.15 * rate
            _check(right, f"{name}: {seconds:.2f} s of sound at {measured:.0f} kbit/s")


async def _walk(system: System, admin: Visitor, artist: Visitor, listener: Visitor) -> None:
    song = await artist.upload("First light")
    _check(song["duration"] == SONG_SECONDS, "an artist's upload is measured from its sound")
    public = await listener.call("GET", "/songs")
    _check(song in public, "it is in the list of songs")
    await _listen(song)

    tracked = await listener.call("POST", f"/songs/{song['_id']}/track/play")
    _check(tracked == {"message": "Play tracked"}, "a play is tracked")
    recommended = await listener.call("GET", "/songs/recommendations/for-you?count=5")
    _check(isinstance(recommended, list), f"{len(recommended)} songs are recommended")
    trending = await listener.call("GET", "/songs/trending")
    _check(song["_id"] in [each["_id"] for each in trending], "it is among the trending songs")

    hidden = await admin.call("PATCH", f"/admin/songs/{song['_id']}/visible")
    _check(hidden["isVisible"] is False, "the admin hides it")
    gone = await listener.http.get(f"/songs/{song['_id']}")
    listed = await listener.call("GET", "/songs")
    _check(
        gone.status_code == 404 and song["_id"] not in [each["_id"] for each in listed],
        "it is gone at the next request",
    )
    removed = await artist.call("DELETE", f"/songs/{song['_id']}")
    _check(removed == {"message": "Song deleted successfully"}, "the artist deletes it")


async def tour(system: System) -> None:
    """Raises TourError or UnexpectedResponseError."""
    started_at = time.monotonic()
    system.wait_until_healthy()
    async with (
        system.visitor("Ada Admin", ADMIN_EMAIL) as admin,
        system.visitor("Lea Listener") as listener,
        system.artist("Nina") as artist,
    ):
        refused = await listener.http.post("/songs", data={"title": "no"})
        _check(refused.status_code == 403, "a listener may not upload")
        await _walk(system, admin, artist, listener)
    sys.stdout.write(f"Tour of {system.gateway} done in {time.monotonic() - started_at:.1f} s\n")


def main() -> None:
    asyncio.run(tour(System(*sys.argv[1:3])))


if __name__ == "__main__":
    main()
