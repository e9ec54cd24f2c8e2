"""What words are, and how misspelt ones are corrected."""

import pytest

from shared.search import LONGEST_KEY, MOST_WORDS, key_of, terms_of, words_of
from shared.spelling import Vocabulary, corrected


def vocabulary(*texts: str) -> Vocabulary:
    made = Vocabulary()
    for text in texts:
        made.add(words_of(text))
    return made


def first_correction(words: Vocabulary, query: str) -> tuple[str, ...] | None:
    terms = terms_of(query)
    assert terms is not None
    return next(words.corrections(terms.words), None)


@pytest.mark.parametrize("query", ["", " ", "\n\t", "\u200b", "\0"])
def test_blank_query_has_no_terms(query: str) -> None:
    assert terms_of(query) is None


def test_long_query_is_bounded() -> None:
    terms = terms_of(" ".join(f"w{number}x" for number in range(400)))
    assert terms is not None
    assert (len(terms.words), len(terms.key)) == (MOST_WORDS, LONGEST_KEY)


def test_prefix_of_another_word_is_left_out() -> None:
    terms = terms_of("lo love l song")
    assert terms is not None
    assert terms.words == ("love", "song")


def test_key_ignores_case_accents_and_punctuation() -> None:
    assert key_of("  Don’t STOP, Été! ") == "dont stop ete"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("beatls", ("beatles",)),
        ("beattles", ("beatles",)),
        ("baetles", ("beatles",)),
        ("beazles", ("beatles",)),
        ("yelow submarne", ("yellow", "submarine")),
        ("the beatls", ("the", "beatles")),
        ("ζωμ μουσικη", None),
        ("μουσυκη", ("μουσικη",)),
        ("beutlis", None),
        ("sub", None),
    ],
)
def test_one_edit_is_corrected(query: str, expected: tuple[str, ...] | None) -> None:
    words = vocabulary("The Beatles", "Yellow Submarine", "Μουσική ζωή", "夜に駆ける")
    assert first_correction(words, query) == expected


def test_frequent_word_is_preferred() -> None:
    words = vocabulary("Lover", "Loves", "Loves", "Loves")
    assert first_correction(words, "lovem") == ("loves",)


def test_short_words_are_not_corrected() -> None:
    assert first_correction(vocabulary("car", "cat", "cast"), "caz") is None


async def test_correction_counts_only_when_it_finds_something() -> None:
    words, terms = vocabulary("Hidden", "Hiddem"), terms_of("hiddex")
    assert terms is not None

    async def finds_nothing(_: object) -> bool:
        return False

    async def finds_second(requested: object) -> bool:
        return requested == terms_of("hidden")

    assert await corrected(terms, words, finds_nothing) is None
    assert await corrected(terms, words, finds_second) == terms_of("hidden")
