"""From a song of the demo to sound. The same song always gives the same samples."""

import zlib

import numpy as np

from embedded.demo.genres.ambient import AMBIENT
from embedded.demo.genres.arrangement import Arrangement
from embedded.demo.genres.electronic import ELECTRONIC
from embedded.demo.genres.folk import FOLK
from embedded.demo.genres.jazz import JAZZ
from embedded.demo.mastering import at_level, faded, in_a_room
from embedded.demo.mix import Sound
from embedded.demo.songs import Genre, Song

_ARRANGEMENTS: dict[Genre, Arrangement] = {
    "Ambient": AMBIENT,
    "Electronic": ELECTRONIC,
    "Folk": FOLK,
    "Jazz": JAZZ,
}


def synthesise(song: Song) -> Sound:
    """Plays the song in the manner of its genre: stereo, 44.1 kHz, shape (2, samples), peaks below 0.95."""
    arrangement = _ARRANGEMENTS[song.genre]
    rng = np.random.default_rng(zlib.crc32(song.title.encode()))
    mix = arrangement.arrange(song.score, rng)
    in_room = in_a_room(mix.samples, arrangement.room_seconds, arrangement.room_wetness)
    return faded(at_level(in_room), arrangement.fade_in_seconds, arrangement.fade_out_seconds)
