"""From scores to a list: the best first, varied, and now and then a song that hardly anybody knows yet."""

import heapq
from collections import Counter, defaultdict, deque
from dataclasses import dataclass

import numpy as np

from embedded.cloud.recombee.listening import IntArray
from embedded.cloud.recombee.taste_model import Scores

# Of each page of a list at most so many songs are of one artist, and the last may be a new one.
PAGE, MOST_OF_ARTIST = 10, 6
# Beyond these, variety is not worth the search: nobody looks that far down.
VARIED_PLACES, SPARE_FOR_VARIETY = 100, 400
# Scores closer than this are the same, and the song added later comes first.
SCORE_DECIMALS = 9
# New songs get no more than this share of a list.
HIGHEST_SHARE_OF_NEW = 1 / PAGE
# New songs that are considered for one list, those that the listener would like best.
CONSIDERED_NEW = 50
# After so many times in a list without becoming known, a new song is half as likely to be taken.
TIMES_SHOWN_FOR_HALF = 20.0
_HASH_MULTIPLIER, _HASH_RANGE = 2_654_435_761, 2**32


@dataclass(frozen=True)
class Variety:
    """How far a list departs from the order of the scores: from 0 to 1, one song of an artist on a page."""

    diversity: float = 0.0

    @property
    def most_of_artist(self) -> int:
        """Songs of one artist on a page."""
        return round(MOST_OF_ARTIST - (MOST_OF_ARTIST - 1) * self.diversity)


DEFAULT_VARIETY = Variety()


def in_order(scores: Scores, candidates: IntArray, count: int) -> IntArray:
    """The best `count` of `candidates`, best first; of equal ones in the order in which they came."""
    total = np.round((scores.liking - scores.against)[candidates], SCORE_DECIMALS)
    if count < len(candidates):
        enough = total >= np.partition(total, len(total) - count)[len(total) - count]
        candidates, total = candidates[enough], total[enough]
    return candidates[np.argsort(-total, kind="stable")[:count]]


def varied(order: IntArray, artist_of: IntArray, count: int, variety: Variety) -> list[int]:
    """The first `count` of `order`, with so many songs of an artist on a page as long as there are others."""
    songs = order.tolist()
    ranks: dict[int, deque[int]] = defaultdict(deque)
    for rank, artist in enumerate(artist_of[order].tolist()):
        ranks[artist].append(rank)
    # The best remaining rank of each artist: of those who may be on the page once more, and of the others.
    allowed = [(remaining.popleft(), artist) for artist, remaining in ranks.items()]
    exhausted: list[tuple[int, int]] = []
    on_page: Counter[int] = Counter()
    chosen: list[int] = []
    while len(chosen) < min(count, len(songs), VARIED_PLACES):
        if len(chosen) % PAGE == 0:
            on_page.clear()
            allowed += exhausted
            exhausted.clear()
            heapq.heapify(allowed)
        rank, artist = heapq.heappop(allowed or exhausted)
        chosen.append(rank)
        on_page[artist] += 1
        if ranks[artist]:
            is_allowed = on_page[artist] < variety.most_of_artist
            heapq.heappush(allowed if is_allowed else exhausted, (ranks[artist].popleft(), artist))
    taken = set(chosen)
    rest = [rank for rank in range(len(songs)) if rank not in taken]
    return [songs[rank] for rank in [*chosen, *rest[: count - len(chosen)]]]


def with_new_songs(order: IntArray, new: IntArray, *, share: float, turn: int) -> IntArray:
    """`order` with one of the `new` songs, best first, in the last place of the pages whose turn it is.

    They get this share of the places, up to a limit; `turn`, any number that differs from list to list, says
    on which pages they are. A song that is before that place anyway stays where it is.
    """
    share = min(share, HIGHEST_SHARE_OF_NEW)
    result: list[int] = order.tolist()
    for page in range(min(len(order), VARIED_PLACES) // PAGE):
        if (turn + page) * _HASH_MULTIPLIER % _HASH_RANGE >= share * PAGE * _HASH_RANGE:
            continue
        place = (page + 1) * PAGE - 1
        before = set(result[:place])
        song = next((song for song in new.tolist() if song not in before), None)
        if song is not None:
            if song in result:
                result.remove(song)
            result.insert(place, song)
    return np.array(result, dtype=np.int64)
