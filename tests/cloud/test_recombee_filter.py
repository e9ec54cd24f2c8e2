"""The filter language: supported and refused expressions; null values never pass."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.cloud.recombee.reql import FilterError, parse_filter

PROPERTIES = {"isListed": "boolean", "genre": "string", "year": "int", "tags": "set", "cover": "image"}
ROCK: dict[str, Any] = {"isListed": True, "genre": "Rock", "year": 2001, "tags": ["live", "loud"]}
BARE: dict[str, Any] = {}


def passes(text: str, values: dict[str, Any]) -> bool:
    return parse_filter(text, PROPERTIES).passes("song-1", values)


@pytest.mark.parametrize(
    "text",
    [
        "'isListed'",
        "'isListed' == true",
        "('isListed')",
        "not ('isListed' == false)",
        "'genre' == \"Rock\"",
        "\"Rock\" == 'genre'",
        "'genre' != \"Jazz\"",
        '\'genre\' in {"Rock", "Pop"}',
        "\"live\" in 'tags'",
        "not (\"quiet\" in 'tags')",
        "'year' >= 2001 and 'year' < 2002",
        "'year' == 2001.0",
        "'year' in {1999, 2001}",
        "'itemId' == \"song-1\"",
        "'isListed'and'genre'==\"Rock\"",
        "'genre' == \"Jazz\" and 'isListed' or 'year' == 2001",
        "'year' == 2001 or 'genre' == \"Jazz\" and 'isListed' == false",
        "'cover' == null",
        "'genre' != null",
        "true",
    ],
)
def test_filters_that_a_listed_rock_song_passes(text: str) -> None:
    assert passes(text, ROCK)


@pytest.mark.parametrize(
    "text",
    [
        "not 'isListed'",
        "'isListed' == false",
        "'genre' == \"rock\"",
        "'genre' in {}",
        "'genre' in {\"Jazz\"}",
        "'isListed' and ('genre' == \"Jazz\" or 'year' < 2000)",
        "('genre' == \"Rock\" or 'year' == 2001) and not 'isListed'",
        "'itemId' in {\"song-2\"}",
        "false",
    ],
)
def test_filters_that_a_listed_rock_song_fails(text: str) -> None:
    assert not passes(text, ROCK)


@pytest.mark.parametrize(
    "text",
    [
        "'isListed'",
        "'isListed' == true",
        "'isListed' == false",
        "not 'isListed'",
        "'year' < 5",
        "not ('year' < 5)",
    ],
)
def test_null_values_do_not_pass(text: str) -> None:
    assert not passes(text, BARE)


@pytest.mark.parametrize("text", ["'genre' != \"Rock\"", "'genre' == null", "not (\"live\" in 'tags')"])
def test_null_differs_from_values(text: str) -> None:
    assert passes(text, BARE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("'colour' == \"red\"", "'colour' does not exist"),
        ('"genre" == "Rock"', "single quotes"),
        ("'genre'", "Expected a condition"),
        ("\"Rock\" in 'genre'", "in wants"),
        ("'isListed' == \"true\"", "Cannot compare boolean == text"),
        ("'isListed' == 1", "Cannot compare"),
        ("'tags' == {\"live\"}", "Cannot compare"),
        ("'genre' < \"S\"", "only numbers"),
        ("'isListed' and 'year'", "operand of and"),
        ("'isListed' or 'year'", "operand of or"),
        ("not 'year'", "operand of not"),
        ("not 'isListed' == true", "parentheses"),
        ("not not 'isListed'", "not supported"),
        ("1 < 'year' < 3", "Chains"),
        ("'isListed' AND 'isListed'", "Did not expect AND"),
        ("'isListed' && 'isListed'", "not supported"),
        ("'isListed' == true)", "Did not expect )"),
        ("('isListed'", "parenthesis is missing"),
        ("'genre' in {\"Rock\"", "brace is missing"),
        ('\'genre\' in {"Rock" "Pop"}', "separated by commas"),
        ("'genre' in {true}", "texts or numbers"),
        ("'isListed' ==", "ends too early"),
        ("", "ends too early"),
        ("'genre' == \"Rock", "not supported"),
        ("size('tags') > 1", "not supported"),
        ("context_user[\"a\"] == 'genre'", "not supported"),
        ("'year' + 1 > 2", "not supported"),
        ("if 'isListed' then true else false", "not supported"),
        ("(" * 60 + "'isListed'" + ")" * 60, "too deeply"),
        ("'isListed' or " * 1000 + "'isListed'", "at most"),
    ],
)
def test_unsupported_filter_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter(text, PROPERTIES)
    assert why in str(refused.value)


def test_long_chain_is_not_deep_nesting() -> None:
    assert passes(" or ".join(["'isListed'==false"] * 450) + " or 'isListed'", ROCK)
    assert not passes("and".join(["'isListed'"] * 600) + "and'isListed'==null", ROCK)


@given(st.text(alphabet="'\"(){}<>=!, \\abisListedgenrenotandor019.-\n", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        understood = parse_filter(text, PROPERTIES)
    except FilterError:
        return
    assert understood.passes("song-1", ROCK) in (True, False)


@given(st.text(max_size=30))
def test_quoted_text_is_literal(word: str) -> None:
    quoted = word.replace("\\", "\\\\").replace('"', '\\"')
    assert passes(f"'genre' == \"{quoted}\"", {"genre": word})
    assert passes(f"'genre' in {{\"{quoted}\"}}", {"genre": word})
    assert not passes(f"'genre' == \"{quoted}\"", {"genre": word + "x"})


@given(
    st.recursive(
        st.sampled_from(["'isListed'", "'year' > 2000", "'cover' == null", "'genre' == \"Pop\""]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(
                lambda p: f"({p[0]}){p[1]}({p[2]})"
            ),
            inner.map(lambda part: f"not ({part})"),
        ),
        max_leaves=8,
    )
)
def test_condition_and_negation_never_both_pass(text: str) -> None:
    for values in (ROCK, BARE, {"isListed": False, "cover": "x"}):
        assert not (passes(text, values) and passes(f"not ({text})", values))
