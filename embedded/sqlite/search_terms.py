"""Search terms as conditions and values of SQLite and FTS5."""

from collections.abc import Iterator

from embedded.sqlite.database import Value
from shared.search import SearchTerms


def each_word(column: str, terms: SearchTerms) -> list[str]:
    """Conditions: each word begins a word in the column, where every word follows a blank."""
    return [f"instr({column}, :word_{number}) > 0" for number in range(len(terms.words))]


def word_values(terms: SearchTerms) -> dict[str, Value]:
    """The values bound in the conditions of a search."""
    words = {f"word_{number}": f" {word}" for number, word in enumerate(terms.words)}
    return {**words, "match": match(terms), "key": terms.key}


def match(terms: SearchTerms, column: str = "") -> str:
    """The FTS5 query for rows where each word begins one; a quote in a word is written twice."""
    return " AND ".join(_prefixes(terms, f"{column} : " if column else ""))


def _prefixes(terms: SearchTerms, column: str) -> Iterator[str]:
    for word in terms.words:
        quoted = word.replace('"', '""')
        yield f'{column}"{quoted}" *'
