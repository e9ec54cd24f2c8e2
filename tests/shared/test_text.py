"""What titles and names may contain, and how searches compare text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import UnreadableTextError, clean_text, fold

INVISIBLE = {
    "hangul filler": "\u3164",
    "braille blank": "\u2800",
    "hangul jungseong filler": "\u1160",
    "hangul choseong filler": "\u115f",
    "halfwidth hangul filler": "\uffa0",
    "khmer inherent vowel": "\u17b4",
    "variation selector": "\ufe0f",
    "combining acute": "\u0301",
    "enclosing circle": "\u20dd",
    "spacing vowel sign": "\u093e",
    "zero width space": "\u200b",
    "word joiner": "\u2060",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "arabic letter mark": "\u061c",
    "grapheme joiner": "\u034f",
    "mongolian vowel separator": "\u180e",
    "tag characters": "\U000e0041\U000e007f",
    "variation selector 17": "\U000e0100",
    "object replacement": "\ufffc",
    "null notehead": "\U0001d159",
    "noncharacter": "\ufdd0",
    "private use": "\ue000",
    "several": "\u200b \u3164\u0301",
}


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_invisible_text_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTextError) as refusal:
        clean_text(text)
    assert refusal.value.code == "invisible"


@pytest.mark.parametrize(
    "breaking", ["\0", "\n", "\t", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"]
)
def test_text_with_breaks_or_controls_is_refused(breaking: str) -> None:
    with pytest.raises(UnreadableTextError) as refusal:
        clean_text(f"a{breaking}b")
    assert refusal.value.code == "control_characters"


@pytest.mark.parametrize("breaking", ["\u2028", "\u2029", "\x85", "\x1c"])
def test_breaks_around_text_are_refused(breaking: str) -> None:
    for text in (breaking, f"{breaking}a", f"a{breaking}"):
        with pytest.raises(UnreadableTextError):
            clean_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "7",
        "?",
        "𝕏",
        "🎧👩‍🎤",
        "é",
        "e\u0301",
        "日本",
        "ना",
        "קול",
        "\u0301a",
        "\U0001fae8",
        "´",
        "^",
        "ʹ",
    ],
    ids=ascii,
)
def test_visible_text_is_kept_in_nfc(text: str) -> None:
    assert clean_text(text) == unicodedata.normalize("NFC", text)


def test_blanks_around_text_are_removed() -> None:
    assert clean_text(" \u00a0\u3000Blue in Green\t\r\n") == "Blue in Green"
    assert clean_text(" \u2003\n") == ""


def test_decomposed_text_is_composed() -> None:
    assert clean_text("Cafe\u0301") == "Café"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café", "cafe"),
        ("Cafe\u0301", "cafe"),
        ("ΟΔΟΣ", "οδοσ"),
        ("οδός", "οδοσ"),
        ("ᾳ", "α"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("ẞ", "ss"),
        ("Đorđe", "dorde"),
        ("Łódź", "lodz"),
        ("Ærøskøbing", "aeroskobing"),
        ("İstanbul", "istanbul"),
        ("ılık", "ilik"),
        ("ＡＢＣ１２", "abc12"),
        ("ﬁre", "fire"),
        ("𝕏", "x"),
        ("ё", "е"),
        ("Tiếng Việt", "tieng viet"),
        ("co\u00adop\u200d", "coop"),
        ("  Blue \u3000 in\tGreen ", "blue in green"),
    ],
)
def test_fold_removes_case_accents_and_width(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("日本語", "日本語"),
        ("한국", "한국"),
        ("がっこう", "がっこう"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("नमस्ते", "नमस्ते"),
        ("สวัสดี", "สวัสดี"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("🎧", "🎧"),
    ],
)
def test_fold_keeps_letters_of_other_scripts(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_fold_does_not_merge_voiced_kana() -> None:
    assert fold("か") != fold("が")


@given(st.text())
def test_fold_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_fold_ignores_the_form_of_composition(text: str) -> None:
    forms = {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert forms == {fold(text)}


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    try:
        once = clean_text(text)
    except UnreadableTextError:
        return
    assert clean_text(once) == once
