"""From a song of the demo to sound. The same song always gives the same samples."""

import zlib

import numpy as np

from embedded.demo.bars import phrases_in_loop
from embedded.demo.form import Loop, played
from embedded.demo.genres.ambient import AMBIENT
from embedded.demo.genres.arrangement import Arrangement
from embedded.demo.genres.electronic import ELECTRONIC
from embedded.demo.genres.folk import FOLK
from embedded.demo.genres.jazz import JAZZ
from embedded.demo.mastering import faded, in_a_room
from embedded.demo.mix import Sound
from embedded.demo.songs import Genre, Song

_ARRANGEMENTS: dict[Genre, Arrangement] = {
    "Ambient": AMBIENT,
    "Electronic": ELECTRONIC,
    "Folk": FOLK,
    "Jazz": JAZZ,
}


def synthesise(song: Song) -> Sound:
    """Plays the song in the manner of its genre: stereo, 32 kHz, shape (2, samples), peaks below 0.95."""
    arrangement = _ARRANGEMENTS[song.genre]
    rng = np.random.default_rng(zlib.crc32(song.title.encode()))
    accompaniment, lead = (
        in_a_room(layer.samples, arrangement.room_seconds, arrangement.room_wetness)
        for layer in arrangement.arrange(song.score, rng)
    )
    loop = Loop(accompaniment, lead, phrases_in_loop(song.score))
    sound = played(loop, song.score.seconds, arrangement.change_seconds)
    return faded(sound, arrangement.fade_in_seconds, arrangement.fade_out_seconds)
