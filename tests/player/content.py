"""What the player's tests find in the system: few and short songs, so that complete and skip take seconds."""

from dataclasses import replace

from embedded.demo.content import DEMO, DemoContent
from embedded.demo.songs import HARBOUR
from embedded.demo.songs import NOVA as NOVAS_EMAIL

JONAS = ("listener2@demo.local", "Jonas Lindqvist")
PRIYA = ("listener3@demo.local", "Priya Raman")
NOVA = (NOVAS_EMAIL, "Nova Lumen")
ADMIN = ("admin@demo.local", "Ada Admin")

SONG_SECONDS = 6
TITLES = (
    "Glass Elevator",
    "Velvet Static",
    "Run the Lights",
    "Lantern Fog",
    "The Long Exhale",
    "Moss Cathedral",
)
PRIYAS_LIKES = ["Velvet Static", "Run the Lights", "Glass Elevator"]
"""The songs that she played to their end, newest first."""

CONTENT = DemoContent(
    admin=DEMO.admin,
    artists=tuple(artist for artist in DEMO.artists if artist.email in (NOVAS_EMAIL, HARBOUR)),
    listeners=tuple(
        replace(
            listener,
            history=tuple(
                each for each in listener.history if each.song in TITLES and each.outcome != "skip"
            ),
        )
        for listener in DEMO.listeners[1:3]
    ),
    albums=tuple(album for album in DEMO.albums if album.title in ("Neon Tides", "Slow Weather")),
    songs=tuple(
        replace(song, score=replace(song.score, seconds=SONG_SECONDS))
        for song in DEMO.songs
        if song.title in TITLES
    ),
)
