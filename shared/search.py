"""Text analysis for searches: the words of a title, and the terms of a query.

A query matches when each of its words is a prefix of a word of the text, in any order, after folding
(shared/text.py). Words joined by punctuation are indexed alone and together: "AC/DC" matches `ac`, `dc` and
`acdc`. Apostrophes are removed: "don't" is `dont`. Scripts without blanks between words, such as Japanese,
match from each character on.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from shared.text import fold

LONGEST_QUERY = 1000
MOST_WORDS = 50
"""Further words of a query are ignored: no stored text has as many."""

LONGEST_WORD = 60
LONGEST_KEY = 100

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´＇′", "'"))
_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_MOST_SUFFIXES = 40
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The terms of a query: its distinct words, and the `key` that titles are compared with."""

    words: tuple[str, ...]
    key: str


def terms_of(query: str) -> SearchTerms | None:
    """The terms of `query`; None when it is blank."""
    parts = [part for chunk in _chunks(query) for part in _parts(chunk.replace("'", ""), chunk)]
    return terms_of_words(parts) if parts else None


def terms_of_words(words: Sequence[str]) -> SearchTerms:
    """The terms of these folded words."""
    cut = list(dict.fromkeys(word[:LONGEST_WORD] for word in words))
    # A prefix of another word matches whenever that word does.
    longest = [each for each in cut if not any(other != each and other.startswith(each) for other in cut)]
    return SearchTerms(tuple(longest[:MOST_WORDS]), " ".join(words)[:LONGEST_KEY])


def key_of(text: str) -> str:
    """The key by which titles are compared and sorted: folded, without punctuation, truncated to
    `LONGEST_KEY`.
    """
    parts = (part for chunk in _chunks(text) for part in _parts(chunk.replace("'", ""), chunk))
    return " ".join(parts)[:LONGEST_KEY]


def words_of(*texts: str) -> tuple[str, ...]:
    """The distinct words of these texts, whose prefixes match."""
    return tuple(dict.fromkeys(word[:LONGEST_WORD] for text in texts for word in _words(text)))


def _chunks(text: str) -> Sequence[str]:
    printable = _CONTROL.sub(" ", text).translate(_APOSTROPHES)
    return fold(printable).split()


def _words(text: str) -> Iterator[str]:
    for chunk in _chunks(text):
        parts = [*_parts(chunk, chunk), *_parts(chunk.replace("'", ""), chunk)]
        yield from parts
        yield "".join(filter(_is_part_of_word, chunk)) or chunk
        for part in parts:
            if _WITHOUT_BLANKS.search(part):
                yield from (part[start:] for start in range(1, min(len(part), _MOST_SUFFIXES)))


def _parts(chunk: str, otherwise: str) -> Sequence[str]:
    """Runs of letters, digits and marks; `otherwise` when there is none, so that "!!!" is found."""
    found = ["".join(run) for is_part, run in groupby(chunk, _is_part_of_word) if is_part]
    return found or [otherwise]


def _is_part_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def can_be_corrected(word: str) -> bool:
    """Whether one edit of `word` can be a misspelling: not in scripts where a character is a syllable."""
    return _WITHOUT_BLANKS.search(word) is None
