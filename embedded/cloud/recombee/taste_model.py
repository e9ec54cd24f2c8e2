"""The model: what is popular, what goes together, and what a listener would like.

Three sources are combined. *Collaborative*: the weights of EASE, from listening and features of songs.
*Content*: likeness of genre, mood and artist. *Popularity*: recent listens by distinct listeners. A song
that a listener likes counts the less the more others came after it: the session at hand decides, older
tastes fill in. Age is measured back from the newest interaction, not from the clock, so an order changes
only when somebody does something.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from embedded.cloud.recombee.ease import Regression, SongRelations, ease
from embedded.cloud.recombee.listening import SECONDS_PER_DAY, FloatArray, IntArray, Listening, decay
from embedded.cloud.recombee.song_features import SongFeatures

POPULARITY_HALF_LIFE_DAYS = 10.0
# A skip weighs half as much against a song's popularity as it weighs against it for the one who skipped.
SKIPS_AGAINST_POPULARITY = 0.5
# What the events about one song are worth together: 1 when it was played once to its end (1.4), 0.64 when it
# was only started (0.4), and never more than 1.29.
HALF_STRENGTH, FULL_STRENGTH = 0.4, 9 / 7
# A song counts half once the listener went on to this many others, a third after twice as many, and so on.
LATER_SONGS_FOR_HALF = 2.0
CONTENT_SHARE = 0.05
# How much liking (one start is 0.5, one complete listen 0.8) until taste counts for half.
EVIDENCE_FOR_HALF = 0.1
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


@dataclass(frozen=True)
class _Taste:
    """Per song: how much a listener likes it in all, likes it now, dislikes it; what a recent play takes."""

    strength: FloatArray
    liked: FloatArray
    disliked: FloatArray
    played: FloatArray


class TasteModel:
    """Everything that can be worked out before a question is asked. Immutable."""

    def __init__(self, features: SongFeatures, listening: Listening, *, now: float) -> None:
        """`now` in epoch seconds only caps what claims to come from the future."""
        self._features = features
        known = listening.where(np.isin(listening.song, features.numbers))
        until = min(float(known.at.max()), now) if len(known) else now
        listeners, rows = np.unique(known.listener, return_inverse=True)
        songs = np.searchsorted(features.numbers, known.song)
        self.popularity = _popularity(rows, songs, known, len(features), until)
        self._relations = _relations(features, rows, songs, known.weights(), len(listeners))

    def personal(self, own: Listening, *, now: float) -> Scores:
        """`own` is all that this listener did; it may be newer than the model."""
        taste = self._taste(own, now)
        evidence = float(taste.liked.sum())
        trust = evidence / (evidence + EVIDENCE_FOR_HALF)
        liking = trust * self._appeal(taste) + (1 - trust) * np.maximum(self.popularity, 0.0)
        against = (1 - trust) * np.maximum(-self.popularity, 0.0)
        return Scores(liking, against + self._against(taste.disliked) + taste.played)

    def similar(self, position: int, own: Listening | None, *, now: float) -> Scores:
        """Like the song at `position`, leaning a little to the listener's taste if there is one."""
        this = np.zeros(len(self._features))
        this[position] = 1.0
        related = _scaled(self._related(this))
        likeness = _scaled(np.where(this > 0, 0.0, self._features.likeness(this)))
        liking = (1 - CONTENT_IN_SIMILAR) * related + CONTENT_IN_SIMILAR * likeness
        liking += POPULARITY_IN_SIMILAR * np.maximum(self.popularity, 0.0)
        if own is None:
            return Scores(liking, np.zeros(len(self._features)))
        taste = self._taste(own, now)
        liking += TASTE_IN_SIMILAR * self._appeal(taste)
        return Scores(liking, self._against(taste.disliked) + taste.played)

    def _taste(self, own: Listening, now: float) -> _Taste:
        count = len(self._features)
        known = own.where(np.isin(own.song, self._features.numbers))
        songs = np.searchsorted(self._features.numbers, known.song)
        total = np.bincount(songs, weights=known.weights(), minlength=count)
        last = np.full(count, -np.inf)
        np.maximum.at(last, songs, known.at)
        strength = _strength(np.maximum(total, 0.0))
        moments = np.sort(last[strength > 0])
        later_songs = len(moments) - np.searchsorted(moments, last, side="right")
        days = np.maximum(now - last, 0.0) / SECONDS_PER_DAY
        return _Taste(
            strength,
            strength / (1.0 + later_songs / LATER_SONGS_FOR_HALF),
            np.maximum(-total, 0.0),
            JUST_PLAYED * np.exp2(-days / PLAYED_HALF_LIFE_DAYS),
        )

    def _appeal(self, taste: _Taste) -> FloatArray:
        """0..1: what the liked songs say about each song; the most appealing has 1."""
        # That somebody listened to two songs is no news to that listener.
        evidence = taste.liked * taste.strength
        own_part = self._relations.own_share * taste.strength * (evidence.sum() - evidence)
        related = _scaled(np.maximum(self._related(taste.liked) - own_part, 0.0))
        likeness = _scaled(self._features.likeness(taste.liked))
        return _scaled((1 - CONTENT_SHARE) * related + CONTENT_SHARE * likeness)

    def _related(self, liked: FloatArray) -> FloatArray:
        return np.maximum(self._relations.scores(liked), 0.0)

    def _against(self, disliked: FloatArray) -> FloatArray:
        if not disliked.any():
            return disliked
        total = disliked.sum()
        alike = total * _scaled(self._related(disliked)) + self._features.likeness(disliked)
        against: FloatArray = disliked + np.minimum(DISLIKE_SPREADS * alike, DISLIKE_AT_MOST)
        return against


def _scaled(scores: FloatArray) -> FloatArray:
    highest = float(scores.max(initial=0.0))
    return scores / highest if highest else scores


def _strength(weight: FloatArray) -> FloatArray:
    """From 0 up: the hundredth listen to a song says little that the ninety-ninth did not."""
    strength: FloatArray = FULL_STRENGTH * weight / (weight + HALF_STRENGTH)
    return strength


def _relations(
    features: SongFeatures, rows: IntArray, songs: IntArray, weights: FloatArray, listeners: int
) -> SongRelations:
    if not len(features):
        return SongRelations(np.zeros((0, 0), dtype=np.float32), np.zeros(0, dtype=np.float32))
    total = sparse.csr_array((weights, (rows, songs)), shape=(listeners, len(features)))
    total.sum_duplicates()
    total.data = _strength(np.maximum(total.data, 0.0))
    total.eliminate_zeros()
    return ease(Regression.of(total, features.distinctive()))


def _popularity(
    rows: IntArray, songs: IntArray, listening: Listening, song_count: int, until: float
) -> FloatArray:
    """-1..1, the most popular song has 1.

    Of what one listener did with one song the weightiest counts whole, the next half, the next a quarter:
    nobody adds more than twice what one listen adds, however often they listen. For and against count apart.
    """
    weights = listening.weights()
    against = weights < 0
    weights = np.where(against, weights * SKIPS_AGAINST_POPULARITY, weights)
    weights *= decay(listening.at, until=until, half_life_days=POPULARITY_HALF_LIFE_DAYS)
    pairs = (rows * max(song_count, 1) + songs) * 2 + against
    order = np.lexsort((-np.abs(weights), pairs))
    sorted_pairs = pairs[order]
    starts = np.flatnonzero(np.r_[True, sorted_pairs[1:] != sorted_pairs[:-1]]) if len(order) else order
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    counted = weights[order] * np.exp2(-place.astype(np.float64))
    total = np.bincount(songs[order], weights=counted, minlength=song_count).astype(np.float64, copy=False)
    highest = float(np.abs(total).max(initial=0.0))
    return total / highest if highest else total
