"""Spelling correction from a vocabulary in memory."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import product

from rapidfuzz import process
from rapidfuzz.distance import OSA

from shared.search import SearchTerms, can_be_corrected, terms_of_words

SHORTEST_WORD = 4
"""Shorter words are not corrected: too many others are one edit away."""

_OPTIONS = 3
_MOST_TRIES = 12


class Vocabulary:
    """The indexed words. Words of deleted documents may remain: a correction is used only if it finds
    something.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._by_length: dict[int, list[str]] = {}
        self._in_order: list[str] = []
        self._is_sorted = True

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, words: Iterable[str]) -> None:
        """The words of one text."""
        for word in words:
            if not can_be_corrected(word):
                continue
            if word not in self._counts:
                self._by_length.setdefault(len(word), []).append(word)
                self._in_order.append(word)
                self._is_sorted = False
            self._counts[word] += 1

    def corrections(self, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Other spellings of a query, fewest changes first; none when a word has no similar one."""
        options = [self._spellings(word) for word in words]
        if not all(options):
            return
        tries = sorted(product(*(range(len(each)) for each in options)), key=sum)[: 4 * _MOST_TRIES]
        spelt = (tuple(each[index] for each, index in zip(options, chosen, strict=True)) for chosen in tries)
        yield from [each for each in spelt if each != tuple(words)][:_MOST_TRIES]

    def _spellings(self, word: str) -> Sequence[str]:
        known = [word] if len(word) < SHORTEST_WORD or self._begins_a_word(word) else []
        return [*known, *self._similar(word)]

    def _similar(self, word: str) -> Sequence[str]:
        """The most frequent words that are one edit away: a letter more, less, other, or two swapped."""
        if len(word) < SHORTEST_WORD or not can_be_corrected(word):
            return []
        found = [
            match
            for length in (len(word) - 1, len(word), len(word) + 1)
            for match, distance, _ in process.extract(
                word, self._by_length.get(length, ()), scorer=OSA.distance, score_cutoff=1, limit=None
            )
            if distance == 1
        ]
        return sorted(found, key=lambda each: (-self._counts[each], each))[:_OPTIONS]

    def _begins_a_word(self, word: str) -> bool:
        if not self._is_sorted:
            self._in_order.sort()
            self._is_sorted = True
        position = bisect_left(self._in_order, word)
        return position < len(self._in_order) and self._in_order[position].startswith(word)


async def corrected(
    terms: SearchTerms, vocabulary: Vocabulary, finds: Callable[[SearchTerms], Awaitable[bool]]
) -> SearchTerms | None:
    """The corrected query; None when the query itself `finds` something, or no other spelling does."""
    if await finds(terms):
        return None
    for words in vocabulary.corrections(terms.words):
        spelt = terms_of_words(words)
        if await finds(spelt):
            return spelt
    return None
