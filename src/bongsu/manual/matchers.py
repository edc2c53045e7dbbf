"""Alertmanager's label matchers: ``severity="critical"``, ``service=~"korea-.*"``.

The grammar and the meaning are Alertmanager's (docs/configuration.md, "Matcher"): a label
that is absent has the empty value, and a regular expression must match the whole value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

Operator = Literal["=", "!=", "=~", "!~"]
_MATCHER = re.compile(
    r"""\s*(?P<label>[a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^"\\]|\\.)+")
        \s*(?P<op>=~|!~|!=|=)\s*
        (?P<value>"(?:[^"\\]|\\.)*"|[^\s"{},]*)\s*\Z""",
    re.VERBOSE,
)
_ESCAPES = {r"\"": '"', r"\\": "\\", r"\n": "\n"}


class Matcher(NamedTuple):
    """One condition on one label."""

    label: str
    op: Operator
    value: str

    @classmethod
    def parse(cls, text: object) -> Matcher:
        """Read one matcher.

        Raises:
            ValueError: it is no matcher, or its regular expression is none.
        """
        found = _MATCHER.match(text) if isinstance(text, str) else None
        if found is None:
            msg = f'{text!r} is not a matcher; write for example severity="critical"'
            raise ValueError(msg)
        op = found["op"]
        matcher = cls(_unquote(found["label"]), op, _unquote(found["value"]))  # type: ignore[arg-type]  # the pattern admits no other
        if op in ("=~", "!~"):
            _compile(matcher.value)
        return matcher

    def predicate(self) -> Callable[[Mapping[str, str]], bool]:
        """Return a function that says whether a label set satisfies this matcher."""
        label, value = self.label, self.value
        match self.op:
            case "=":
                return lambda labels: labels.get(label, "") == value
            case "!=":
                return lambda labels: labels.get(label, "") != value
            case "=~":
                full = _compile(value).fullmatch
                return lambda labels: full(labels.get(label, "")) is not None
            case "!~":
                full = _compile(value).fullmatch
                return lambda labels: full(labels.get(label, "")) is None


def all_of(matchers: Iterable[str]) -> Callable[[Mapping[str, str]], bool]:
    """Return a function that says whether a label set satisfies every matcher."""
    predicates = [Matcher.parse(text).predicate() for text in matchers]
    return lambda labels: all(holds(labels) for holds in predicates)


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\.", lambda m: _ESCAPES.get(m[0], m[0]), text[1:-1])


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        msg = f"{pattern!r} is not a regular expression: {error}"
        raise ValueError(msg) from error
