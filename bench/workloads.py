"""The requests: single calls, and a realistic mixture."""

import json
import random
from collections.abc import Sequence
from itertools import accumulate

from bench.catalogue import Seeded
from bench.wrk import Request

ROTATING_TOKENS = 200
MIXED_REQUESTS = 40_000
MIXED_SONGS = 10_000


def anonymous_calls(seeded: Seeded) -> dict[str, list[Request]]:
    """Public reads with the same response for everybody, by name."""
    return {
        "song": [Request(f"/api/songs/{seeded.song_ids[7]}")],
        "list of 50": [Request("/api/songs?limit=50")],
        "whole list": [Request("/api/songs")],
        "album": [Request(f"/api/albums/{seeded.album_ids[3]}")],
        "trending": [Request("/api/songs/trending")],
    }


def signed_in_calls(seeded: Seeded) -> dict[str, list[Request]]:
    """Reads with rotating tokens, by name."""
    tokens = seeded.listener_tokens[:ROTATING_TOKENS]
    paths = {
        "song, signed in": f"/api/songs/{seeded.song_ids[7]}",
        "auth/me": "/api/auth/me",
        "my-albums": "/api/albums/user/my-albums",
        "for-you": "/api/songs/recommendations/for-you",
    }
    calls = {name: [Request(path, token=token) for token in tokens] for name, path in paths.items()}
    return {**calls, "my-songs": [Request("/api/songs/artist/my-songs", token=seeded.artist_token)]}


def mixed_requests(seeded: Seeded, seed: int = 1) -> list[Request]:
    """500 listeners with tokens, songs by Zipf(1.0) popularity.

    60 % songs, 15 % albums, 10 % lists, 5 % for-you, 5 % auth/me, 4 % plays, 1 % updates.
    """
    rng = random.Random(seed)
    songs = seeded.song_ids[:MIXED_SONGS]
    weights = list(accumulate(1 / rank for rank in range(1, len(songs) + 1)))
    kinds = rng.choices(
        ["song", "album", "list", "for-you", "me", "play", "update"],
        weights=[60, 15, 10, 5, 5, 4, 1],
        k=MIXED_REQUESTS,
    )
    chosen = rng.choices(songs, cum_weights=weights, k=MIXED_REQUESTS)
    return [
        _mixed_request(kind, song, seeded, rng, number)
        for number, (kind, song) in enumerate(zip(kinds, chosen, strict=True))
    ]


def _mixed_request(kind: str, song: str, seeded: Seeded, rng: random.Random, number: int) -> Request:
    token = rng.choice(seeded.listener_tokens)
    match kind:
        case "song":
            return Request(f"/api/songs/{song}", token=token)
        case "album":
            return Request(f"/api/albums/{rng.choice(seeded.album_ids)}", token=token)
        case "list":
            return Request("/api/songs?limit=20", token=token)
        case "for-you":
            return Request("/api/songs/recommendations/for-you", token=token)
        case "me":
            return Request("/api/auth/me", token=token)
        case "play":
            return Request(f"/api/songs/{song}/track/play", "POST", token)
        case _:
            return update_of(song, seeded.artist_token, number)


def update_of(song_id: str, token: str, number: int) -> Request:
    """A change of a song's title."""
    return Request(f"/api/songs/{song_id}", "PATCH", token, json.dumps({"title": f"Title {number}"}))


def spread(song_ids: Sequence[str], count: int) -> list[Request]:
    """Reads of `count` different songs."""
    return [Request(f"/api/songs/{song_id}") for song_id in song_ids[:count]]
