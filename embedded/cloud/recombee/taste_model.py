"""The model: what is popular, what goes together, and what a listener would like.

Three sources are combined. *Collaborative*: the weights of EASE, from listening and features of songs.
*Content*: likeness of genre, mood and artist. *Popularity*: recent listens by distinct listeners. A song
that a listener likes counts the less the more others came after it: the session at hand decides, older
tastes fill in. Age is measured back from the newest interaction, not from the clock, so an order changes
only when somebody does something.
"""

from dataclasses import dataclass

import numpy as np

from embedded.cloud.recombee.listening import SECONDS_PER_DAY, FloatArray, IntArray, Listening, strength
from embedded.cloud.recombee.relations import Float32Array
from embedded.cloud.recombee.song_index import SongIndex
from embedded.cloud.recombee.trained_model import TrainedModel

# A song with fewer listeners who like it is new, unless it is skipped more than liked.
AUDIENCE_OF_NEW = 3
CONTENT_IN_SIMILAR, POPULARITY_IN_SIMILAR, TASTE_IN_SIMILAR = 0.3, 0.05, 0.15
# What a skip takes from the songs that are like the skipped one, each, and at most.
DISLIKE_SPREADS, DISLIKE_AT_MOST = 0.1, 0.3
# More than any liking: what was just played or skipped comes after all else; half of that is over in a week.
JUST_PLAYED, PLAYED_HALF_LIFE_DAYS = 2.0, 7.0


@dataclass(frozen=True)
class Scores:
    """Per song: what speaks for it and what against it, both from 0 up."""

    liking: FloatArray
    against: FloatArray
    has_taste: bool = False
    """Whether the listener likes anything yet."""


@dataclass(frozen=True)
class _Taste:
    """Per song: how much a listener likes it in all, likes it now, dislikes it; what a recent play takes."""

    strength: FloatArray
    liked: FloatArray
    disliked: FloatArray
    played: FloatArray


class TasteModel:
    """A trained model over the songs of an index as it is now; newer songs have no relations."""

    def __init__(self, songs: SongIndex, trained: TrainedModel) -> None:
        self._songs = songs
        self._trained = trained
        self._tuning = trained.tuning
        where = np.searchsorted(trained.numbers, songs.numbers)
        where[where == len(trained.numbers)] = 0
        known = (
            trained.numbers[where] == songs.numbers
            if len(trained.numbers)
            else np.zeros(len(songs), dtype=bool)
        )
        self._known, self._trained_position = np.flatnonzero(known), where[known]
        self.popularity = self._of_songs(trained.popularity)
        self.is_new = (self._of_songs(trained.audience) < AUDIENCE_OF_NEW) & (self.popularity >= 0)
        self._own_share = self._of_songs(trained.relations.own_share)

    def _of_songs(self, trained: FloatArray | Float32Array | IntArray) -> FloatArray:
        """By positions of the index, from positions of the trained model; 0 for songs unknown to it."""
        values = np.zeros(len(self._songs))
        values[self._known] = trained[self._trained_position]
        return values

    def personal(self, own: Listening, *, now: float) -> Scores:
        """`own` is all that this listener did; it may be newer than the model."""
        taste = self._taste(own, now)
        evidence = float(taste.strength.sum())
        trust = evidence / (evidence + self._tuning.evidence_for_half)
        # The root leaves the order of what fits the taste, and more room for popularity among it at first.
        appeal = np.sqrt(self._appeal(taste))
        liking = trust * appeal + (1 - trust) * np.maximum(self.popularity, 0.0)
        against = (1 - trust) * np.maximum(-self.popularity, 0.0)
        return Scores(liking, against + self._against(taste.disliked) + taste.played, has_taste=evidence > 0)

    def similar(self, position: int, own: Listening | None, *, now: float) -> Scores:
        """Like the song at `position`, leaning a little to the listener's taste if there is one."""
        this = np.zeros(len(self._songs))
        this[position] = 1.0
        related = _scaled(self._related(this))
        likeness = _scaled(np.where(this > 0, 0.0, self._songs.likeness(this)))
        liking = (1 - CONTENT_IN_SIMILAR) * related + CONTENT_IN_SIMILAR * likeness
        liking += POPULARITY_IN_SIMILAR * np.maximum(self.popularity, 0.0)
        if own is None:
            return Scores(liking, np.zeros(len(self._songs)))
        taste = self._taste(own, now)
        liking += TASTE_IN_SIMILAR * self._appeal(taste)
        return Scores(liking, self._against(taste.disliked) + taste.played)

    def _taste(self, own: Listening, now: float) -> _Taste:
        position = np.searchsorted(self._songs.numbers, own.song)
        is_known = self._songs.numbers[np.minimum(position, len(self._songs) - 1)] == own.song
        known = own.where(is_known)
        songs, of_song = np.unique(position[is_known], return_inverse=True)
        total = np.bincount(of_song, weights=known.weights(), minlength=len(songs)).astype(
            np.float64, copy=False
        )
        last = np.full(len(songs), -np.inf)
        np.maximum.at(last, of_song, known.at)
        liked = strength(total)
        moments = np.sort(last[liked > 0])
        later_songs = len(moments) - np.searchsorted(moments, last, side="right")
        days = np.maximum(now - last, 0.0) / SECONDS_PER_DAY
        return _Taste(
            self._at(songs, liked),
            self._at(songs, liked / (1.0 + later_songs / self._tuning.later_songs_for_half)),
            self._at(songs, np.maximum(-total, 0.0)),
            self._at(songs, JUST_PLAYED * np.exp2(-days / PLAYED_HALF_LIFE_DAYS)),
        )

    def _at(self, positions: IntArray, values: FloatArray) -> FloatArray:
        """The values at these positions, 0 at all others."""
        result = np.zeros(len(self._songs))
        result[positions] = values
        return result

    def _appeal(self, taste: _Taste) -> FloatArray:
        """0..1: what the liked songs say about each song; the most appealing has 1."""
        # That somebody listened to two songs is no news to that listener.
        evidence = taste.liked * taste.strength
        own_part = self._own_share * taste.strength * (evidence.sum() - evidence)
        related = _scaled(np.maximum(self._related(taste.liked) - own_part, 0.0))
        likeness = _scaled(self._songs.likeness(taste.liked))
        share = self._tuning.content_share
        return _scaled((1 - share) * related + share * likeness)

    def _related(self, liked: FloatArray) -> FloatArray:
        sources = np.zeros(len(self._trained.numbers))
        sources[self._trained_position] = liked[self._known]
        return np.maximum(self._of_songs(self._trained.relations.scores(sources)), 0.0)

    def _against(self, disliked: FloatArray) -> FloatArray:
        if not disliked.any():
            return disliked
        total = disliked.sum()
        alike = total * _scaled(self._related(disliked)) + self._songs.likeness(disliked)
        against: FloatArray = disliked + np.minimum(DISLIKE_SPREADS * alike, DISLIKE_AT_MOST)
        return against


def _scaled(scores: FloatArray) -> FloatArray:
    highest = float(scores.max(initial=0.0))
    return scores / highest if highest else scores
