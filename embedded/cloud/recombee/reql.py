"""The part of Recombee's query language that filters need; all else is refused, never read as something else.

    'isListed'    'isListed' == true    'genre' == "Rock"    'genre' != null    'year' >= 2020
    'genre' in {"Rock", "Pop"}    "live" in 'tags'    not (...)    ... and ...    ... or ...

A property stands in single quotes, a text in double quotes. `and` binds closer than `or`. A song without a
value (null) equals nothing but null; a condition that is neither true nor false (null, `not` null, null < 1)
lets the song not pass, whatever surrounds it: a filter that keeps something hidden must fail closed. How the
real service takes the last case is not documented; this is the careful reading.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_FILTER_CHARACTERS = 10_000
MAX_FILTER_DEPTH = 40

_TOKEN = re.compile(
    r"""\s*(?:(?P<property>'[^']*') | (?P<text>"(?:[^"\\]|\\["\\])*")
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) | (?P<word>[A-Za-z_]\w*)
    | (?P<sign>==|!=|<=|>=|<|>|\(|\)|\{|\}|,))""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
_TYPE_OF_PROPERTY = {
    "string": "text",
    "image": "text",
    "boolean": "boolean",
    "int": "number",
    "double": "number",
    "timestamp": "number",
    "set": "set",
    "imageList": "set",
}
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}

_Evaluate = Callable[[Mapping[str, Any]], Any]


class FilterError(Exception):
    """The filter is malformed, of wrong types, or outside the part of the language that is supported."""


@dataclass(frozen=True)
class Filter:
    """`text` is the whole identity of a filter among filters over the same properties."""

    text: str
    evaluate: _Evaluate

    def passes(self, entity_id: str, values: Mapping[str, Any]) -> bool:
        return self.evaluate({**values, "itemId": entity_id}) is True


@dataclass(frozen=True)
class _Part:
    """A piece of the expression: what type it yields and how. `constant` when no property is in it."""

    type: str
    evaluate: _Evaluate
    constant: bool = False


def parse_filter(text: str, properties: Mapping[str, str]) -> Filter:
    """`properties` gives the declared type of each property by name. Raises FilterError."""
    if len(text) > MAX_FILTER_CHARACTERS:
        raise FilterError(f"A filter may have at most {MAX_FILTER_CHARACTERS} characters")
    return Filter(text, _Reader(_tokens(text), {**properties, "itemId": "string"}).whole().evaluate)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise FilterError(f"This part of a filter is not supported: {text[position : position + 30]}")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    return tokens


def _not(value: Any) -> bool | None:
    return None if value is None else not value


def _any(conditions: Iterable[Any]) -> bool | None:
    unknown = False
    for condition in conditions:
        if condition:
            return True
        unknown = unknown or condition is None
    return None if unknown else False


def _all(conditions: Iterable[Any]) -> bool | None:
    return _not(_any(_not(condition) for condition in conditions))


class _Reader:
    """A recursive descent over the tokens, checking types as it goes."""

    def __init__(self, tokens: list[tuple[str, str]], properties: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._properties = properties

    @property
    def _next(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, *expected: str) -> str | None:
        text = self._next
        if text not in expected or not text:
            return None
        self._at += 1
        return text

    def whole(self) -> _Part:
        condition = self._boolean(self._alternatives(0), "a filter")
        if self._next:
            raise FilterError(f"Did not expect {self._next} there")
        return condition

    def _boolean(self, part: _Part, of: str) -> _Part:
        if part.type != "boolean":
            raise FilterError(f"Expected a condition as {of}, found a value of type {part.type}")
        return part

    def _alternatives(self, depth: int) -> _Part:
        return self._chain("or", lambda: self._conjunction(depth), _any)

    def _conjunction(self, depth: int) -> _Part:
        return self._chain("and", lambda: self._negation(depth), _all)

    def _chain(
        self, word: str, operand: Callable[[], _Part], together: Callable[[Iterable[Any]], bool | None]
    ) -> _Part:
        """Operands joined by `word`; a long chain is evaluated in a loop, not ever deeper."""
        first = operand()
        if self._next != word:
            return first
        operands = [self._boolean(first, f"an operand of {word}")]
        while self._take(word):
            operands.append(self._boolean(operand(), f"an operand of {word}"))
        return _Part("boolean", lambda values: together(part.evaluate(values) for part in operands))

    def _negation(self, depth: int) -> _Part:
        if not self._take("not"):
            return self._comparison(depth)
        inner = self._boolean(self._operand(depth), "the operand of not")
        if self._next in _COMPARISONS:
            raise FilterError("Put the comparison after not in parentheses")
        return _Part("boolean", lambda values: _not(inner.evaluate(values)), inner.constant)

    def _comparison(self, depth: int) -> _Part:
        left = self._operand(depth)
        sign = self._take(*_COMPARISONS)
        if sign is None:
            return left
        right = self._operand(depth)
        if self._next in _COMPARISONS:
            raise FilterError("Chains of comparisons are not supported")
        if left.constant and right.constant:
            raise FilterError("Compares two constants; the name of a property stands in single quotes")
        return _compare(left, sign, right)

    def _operand(self, depth: int) -> _Part:
        if depth > MAX_FILTER_DEPTH:
            raise FilterError("The filter is nested too deeply")
        if not self._next:
            raise FilterError("The filter ends too early")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "property":
            return self._property(text[1:-1])
        if text == "(":
            inner = self._alternatives(depth + 1)
            if not self._take(")"):
                raise FilterError("A closing parenthesis is missing")
            return inner
        if text == "{":
            return self._set()
        return _constant(kind, text)

    def _property(self, name: str) -> _Part:
        if name not in self._properties:
            raise FilterError(f"Property '{name}' does not exist")
        return _Part(_TYPE_OF_PROPERTY[self._properties[name]], lambda values: values.get(name))

    def _set(self) -> _Part:
        members: list[Any] = []
        while not self._take("}"):
            if not self._next:
                raise FilterError("A closing brace is missing")
            if members and not self._take(","):
                raise FilterError("The members of a set are separated by commas")
            if not self._next:
                raise FilterError("A closing brace is missing")
            kind, text = self._tokens[self._at]
            self._at += 1
            member = _constant(kind, text)
            if member.type not in ("text", "number"):
                raise FilterError("The members of a set are texts or numbers")
            members.append(member.evaluate({}))
        return _Part("set", lambda values: members, constant=True)


def _constant(kind: str, text: str) -> _Part:
    if kind == "text":
        unescaped = re.sub(r'\\(["\\])', r"\1", text[1:-1])
        return _Part("text", lambda values: unescaped, constant=True)
    if kind == "number":
        number = float(text)
        return _Part("number", lambda values: number, constant=True)
    if text in ("true", "false"):
        truth = text == "true"
        return _Part("boolean", lambda values: truth, constant=True)
    if text == "null":
        return _Part("null", lambda values: None, constant=True)
    raise FilterError(f"This part of a filter is not supported: {text}")


def _compare(left: _Part, sign: str, right: _Part) -> _Part:
    types = f"{left.type} {sign} {right.type}"
    if sign == "in":
        if right.type != "set" or left.type not in ("text", "number"):
            raise FilterError(f"Cannot tell {types}: in wants a text or a number, and a set")
        return _Part("boolean", lambda values: left.evaluate(values) in (right.evaluate(values) or ()))
    if sign in _ORDER:
        if left.type != "number" or right.type != "number":
            raise FilterError(f"Cannot order {types}: only numbers can be")
        ordered = _ORDER[sign]

        def in_order(values: Mapping[str, Any]) -> bool | None:
            first, second = left.evaluate(values), right.evaluate(values)
            return None if first is None or second is None else ordered(first, second)

        return _Part("boolean", in_order)
    if "set" in (left.type, right.type) or (
        left.type != right.type and "null" not in (left.type, right.type)
    ):
        raise FilterError(f"Cannot compare {types}")
    if sign == "==":
        return _Part("boolean", lambda values: left.evaluate(values) == right.evaluate(values))
    return _Part("boolean", lambda values: left.evaluate(values) != right.evaluate(values))
