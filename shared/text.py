"""Rules for text of people: what titles and names may contain, and how searches compare them."""

import unicodedata
from functools import lru_cache

from anyascii import anyascii

_IGNORABLE = frozenset(
    chr(code)
    for first, last in (
        (0x00AD, 0x00AD),
        (0x034F, 0x034F),
        (0x061C, 0x061C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)
"""Unicode's Default_Ignorable_Code_Point, which `unicodedata` does not have: they are invisible."""

_BLANK_SYMBOLS = frozenset("\u2800\ufffc\U0001d159")
"""Symbols with an empty glyph: the Braille blank, the object replacement character, the null notehead."""

_BREAKING = frozenset({"Cc", "Zl", "Zp"})
"""Control characters, line separators and paragraph separators."""

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
"""Categories without a glyph of their own. Not `Cn`: it has the emoji that are newer than this Python."""

_TRIMMED = " \t\n\r\v\f" + "".join(
    chr(code) for code in range(0x80, 0x3001) if unicodedata.category(chr(code)) == "Zs"
)


class UnreadableTextError(Exception):
    """Unreadable text. `code` is the reason; the message says what is expected."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def clean_text(text: str) -> str:
    """The text as it is stored: in NFC, without blanks around it. The empty string stays empty.

    Raises:
        UnreadableTextError: it contains control characters, line or paragraph separators, or not one visible
            character.
    """
    cleaned = unicodedata.normalize("NFC", text.strip(_TRIMMED))
    if any(unicodedata.category(character) in _BREAKING for character in cleaned):
        raise UnreadableTextError("control_characters", "no control characters or line breaks")
    if cleaned and not any(map(_is_visible, cleaned)):
        raise UnreadableTextError("invisible", "at least 1 visible character")
    return cleaned


def _is_visible(character: str) -> bool:
    return (
        unicodedata.category(character) not in _INVISIBLE
        and character not in _IGNORABLE
        and character not in _BLANK_SYMBOLS
        and not _is_noncharacter(ord(character))
    )


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def fold(text: str) -> str:
    """The text as searches compare it: without case, accents, width, ligatures and invisible characters.

    Latin letters become ASCII (`ß` is `ss`, `đ` is `d`, `ø` is `o`); other scripts, such as Greek, Japanese
    or Thai, keep their letters. One blank separates words. Idempotent.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    # Accents are removed before case folding, which would turn the Greek iota subscript into a letter.
    bare = "".join(each for each in unicodedata.normalize("NFKD", text) if not _is_accent(each))
    folded = "".join(map(_folded, unicodedata.normalize("NFKD", bare.casefold())))
    return " ".join(unicodedata.normalize("NFC", folded).split())


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """One character of decomposed, case-folded text; empty if it is ignored in comparisons."""
    if character in _IGNORABLE or _is_accent(character):
        return ""
    if not character.isascii() and unicodedata.name(character, "").startswith("LATIN "):
        return anyascii(character).lower()
    return character


def _is_accent(character: str) -> bool:
    """Whether comparisons ignore this mark: accents, and the points of Hebrew and Arabic.

    By canonical combining class. Marks of other classes are vowels (Devanagari, Thai) or make another letter
    (the Japanese voicing marks).
    """
    combining = unicodedata.combining(character)
    return combining == 1 or 10 <= combining <= 36 or combining >= 200
