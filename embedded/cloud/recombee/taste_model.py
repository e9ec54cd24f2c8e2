"""The mathematics: what is popular, what goes together, and what a listener would like.

Three sources are combined. *Collaborative*: songs that the same people listen to, as the cosine between the
songs' columns of a listener x song matrix, kept factored (two sparse products per question, nothing of the
size songs x songs). *Content*: likeness of genre, mood and artist. *Popularity*: recent listens by distinct
listeners. Time is measured back from the newest deed rather than from the clock, so an order changes only
when somebody does something.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from embedded.cloud.recombee.listening import SECONDS_PER_DAY, FloatArray, IntArray, Listening, decay
from embedded.cloud.recombee.song_features import SongFeatures

TASTE_HALF_LIFE_DAYS = 60.0
# What somebody liked years ago still says something when nothing newer does.
OLDEST_TASTE_COUNTS = 0.05
POPULARITY_HALF_LIFE_DAYS = 10.0
# A skip weighs half as much against a song's popularity as it weighs against it for the one who skipped.
SKIPS_AGAINST_POPULARITY = 0.5
# Added to a column's squared length: two songs that one person listened to are not "the same audience" yet.
AUDIENCE_SHRINKAGE = 1.0
# Collaborative and content scores below these are too faint to be taken as full evidence.
FAINT_COLLABORATIVE, FAINT_SIMILAR, FAINT_CONTENT = 0.1, 0.2, 0.2
COLLABORATIVE_SHARE = 0.6
# How much liking (one start is 0.34, one complete listen 0.7) until taste counts for half of the most it can.
EVIDENCE_FOR_HALF = 0.1
TASTE_SHARE = 0.95
POPULARITY_IN_SIMILAR = 0.05
TASTE_IN_SIMILAR = 0.15
# What a skip takes from the songs that are like the skipped one, each, and at most.
DISLIKE_SPREADS, DISLIKE_AT_MOST = 0.1, 0.3
# More than any liking: what was just heard or skipped comes after all else; half of that is over in a week.
JUST_HEARD, HEARD_HALF_LIFE_DAYS = 2.0, 7.0


@dataclass(frozen=True)
class Scores:
    """Per song: what speaks for it and what against it, both from 0 up."""

    liking: FloatArray
    against: FloatArray


class TasteModel:
    """Everything that can be worked out before a question is asked. Immutable."""

    def __init__(self, features: SongFeatures, listening: Listening, *, now: float) -> None:
        """`now` in epoch seconds only caps what claims to come from the future."""
        self._features = features
        known = listening.where(np.isin(listening.song, features.numbers))
        self._until = min(float(known.at.max()), now) if len(known) else now
        self._listeners, rows = np.unique(known.listener, return_inverse=True)
        songs = np.searchsorted(features.numbers, known.song)
        self.popularity = _popularity(rows, songs, known, len(features), self._until)
        self._audience = _audience(
            *_preferences(rows, songs, known, len(features), self._until),
            shape=(len(self._listeners), len(features)),
        )
        self._audience_by_song = self._audience.T.tocsr()

    def personal(self, listener: int, own: Listening, *, now: float) -> Scores:
        """`own` is all that this listener did; it may be newer than the model."""
        liked, disliked, heard = self._tastes(own, now)
        evidence = float(liked.sum())
        trust = TASTE_SHARE * evidence / (evidence + EVIDENCE_FOR_HALF)
        taste = self._taste(listener, liked)
        liking = trust * taste + (1 - trust) * np.maximum(self.popularity, 0.0)
        against = (1 - trust) * np.maximum(-self.popularity, 0.0)
        return Scores(liking, against + self._against(listener, disliked) + heard)

    def similar(self, position: int, listener: int | None, own: Listening, *, now: float) -> Scores:
        """Like the song at `position`, leaning a little to the listener's taste if there is one."""
        this = np.zeros(len(self._features))
        this[position] = 1.0
        together = self._heard_together(this, None)
        together[position] = 0.0
        likeness = self._features.likeness(this)
        likeness[position] = 0.0
        liking = _blend(together, FAINT_SIMILAR, likeness)
        liking += POPULARITY_IN_SIMILAR * np.maximum(self.popularity, 0.0)
        if listener is None:
            return Scores(liking, np.zeros(len(self._features)))
        liked, disliked, heard = self._tastes(own, now)
        liking += TASTE_IN_SIMILAR * self._taste(listener, liked)
        return Scores(liking, self._against(listener, disliked) + heard)

    def _tastes(self, own: Listening, now: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Per song: how much it is liked, how much disliked, and what its having been heard takes from it."""
        count = len(self._features)
        known = own.where(np.isin(own.song, self._features.numbers))
        songs = np.searchsorted(self._features.numbers, known.song)
        until = max(self._until, min(float(known.at.max()), now)) if len(known) else self._until
        _, where, strengths = _preferences(np.zeros_like(songs), songs, known, count, until)
        preference = np.zeros(count)
        preference[where] = strengths
        last = np.full(count, -np.inf)
        np.maximum.at(last, songs, known.at)
        days = np.maximum(now - last, 0.0) / SECONDS_PER_DAY
        heard = JUST_HEARD * np.exp2(-days / HEARD_HALF_LIFE_DAYS)
        return np.maximum(preference, 0.0), np.maximum(-preference, 0.0), heard

    def _taste(self, listener: int, liked: FloatArray) -> FloatArray:
        length = float(np.linalg.norm(liked))
        if length == 0.0:
            return np.zeros(len(self._features))
        together = self._heard_together(liked / length, listener)
        return _blend(together, FAINT_COLLABORATIVE, self._features.likeness(liked / float(liked.sum())))

    def _against(self, listener: int, disliked: FloatArray) -> FloatArray:
        if not disliked.any():
            return disliked
        like_it = self._heard_together(disliked, listener) + self._features.likeness(disliked)
        against: FloatArray = disliked + np.minimum(DISLIKE_SPREADS * like_it, DISLIKE_AT_MOST)
        return against

    def _heard_together(self, weights: FloatArray, without: int | None) -> FloatArray:
        """For each song, the sum over all songs of weight times shared audience (0..1).

        `without` leaves one listener out: that they listened to two songs themselves is no news to them.
        """
        by_listener = self._audience @ weights
        if without is not None:
            row = int(np.searchsorted(self._listeners, without))
            if row < len(self._listeners) and self._listeners[row] == without:
                by_listener[row] = 0.0
        result: FloatArray = self._audience_by_song @ by_listener
        return result


def _blend(together: FloatArray, faint: float, likeness: FloatArray) -> FloatArray:
    """Collaborative and content scores as one, 0..1: the fainter the first, the more the second decides."""
    strongest = float(together.max(initial=0.0))
    closest = float(likeness.max(initial=0.0))
    audience_share = COLLABORATIVE_SHARE * min(strongest / faint, 1.0)
    content_share = (1 - COLLABORATIVE_SHARE) * min(closest / FAINT_CONTENT, 1.0)
    if audience_share + content_share == 0.0:
        return np.zeros_like(together)
    blended = np.zeros_like(together)
    if strongest:
        blended += audience_share * np.sqrt(together / strongest)
    if closest:
        blended += content_share * likeness / closest
    blended /= audience_share + content_share
    return blended


def _preferences(
    rows: IntArray, songs: IntArray, listening: Listening, song_count: int, until: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Listener row, song position and strength of each pair that had anything to do with each other.

    Deeds add up with the logarithm, for and against alike: the hundredth listen says little that the
    ninety-ninth did not.
    """
    faded = np.maximum(
        decay(listening.at, until=until, half_life_days=TASTE_HALF_LIFE_DAYS), OLDEST_TASTE_COUNTS
    )
    pairs, of_pair = np.unique(rows * max(song_count, 1) + songs, return_inverse=True)
    total = np.bincount(of_pair, weights=listening.weights() * faded, minlength=len(pairs))
    strengths = np.copysign(np.log1p(np.abs(total)), total)
    return pairs // max(song_count, 1), pairs % max(song_count, 1), strengths


def _audience(
    rows: IntArray, songs: IntArray, strengths: FloatArray, *, shape: tuple[int, int]
) -> sparse.csr_array:
    """Listener x song: A.T @ A is the shared audience of two songs.

    Who listens to everything says less about what goes together, so a listener's weight falls with the
    logarithm of how many songs they like.
    """
    liked = strengths > 0
    rows, songs, strengths = rows[liked], songs[liked], strengths[liked]
    weight_of_listener = 1.0 / np.log2(1.0 + np.maximum(np.bincount(rows, minlength=shape[0]), 1))
    weighted = strengths * weight_of_listener[rows]
    squared_length = np.bincount(songs, weights=weighted * weighted, minlength=shape[1])
    normed = weighted / np.sqrt(squared_length + AUDIENCE_SHRINKAGE)[songs]
    return sparse.csr_array((normed, (rows, songs)), shape=shape)


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
