"""What can be wrong with a manual, said so that the person who wrote it can mend it.

A check names the place by its path in the manual (``response.severities.P0.escalation.0.after``);
`bongsu.manual.positions` turns that into file and line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from bongsu.i18n import N_, translator
from bongsu.manual.schema.base import Text

Level = Literal["error", "warning"]
KeyPath = tuple[str | int, ...]
"""From the chapter down: ``("team", "roles", "commander", "held_by", 0)``."""


class Problem(NamedTuple):
    """One thing to mend; its texts are English keys of the catalogue, `say` fills them in."""

    path: KeyPath
    what: str
    mend: str = ""
    values: Mapping[str, object] = {}
    level: Level = "error"
    file: str = ""
    line: int = 0
    """counted from 1; 0 where there is no line, because a whole file is meant"""
    column: int = 0

    def say(self, lang: str) -> str:
        """Return what is wrong and what to write instead, without the place."""
        t = translator(lang)
        values = {k: v.in_(lang) if isinstance(v, Text) else v for k, v in self.values.items()}
        what = t(self.what, **values)
        if not self.mend:
            return what
        return t("{what}, {mend}", what=what, mend=t(self.mend, **values))

    def place(self) -> str:
        """Return ``file:line``, as editors and terminals link it."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def show(self, lang: str) -> str:
        """Return the whole line that is printed: place, level of a warning, what and mend."""
        t = translator(lang)
        note = t("warning") + ": " if self.level == "warning" else ""
        return f"{self.place()}: {note}{self.say(lang)}"

    def __str__(self) -> str:
        return self.show("en")


def error(path: KeyPath, what: str, mend: str = "", **values: object) -> Problem:
    """Make a problem that keeps the manual from working."""
    return Problem(path, what, mend, values)


def warning(path: KeyPath, what: str, mend: str = "", **values: object) -> Problem:
    """Make a problem that the manual works with, though probably not as meant."""
    return Problem(path, what, mend, values, "warning")


class ManualError(Exception):
    """The manual was read and is refused; `problems` says all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.file, p.line, p.column, p.what))
        super().__init__(self.show("en"))

    def show(self, lang: str) -> str:
        """Return every problem on a line of its own."""
        return "\n".join(problem.show(lang) for problem in self.problems)


class UnreadableManual(Exception):  # noqa: N818  named for what it is, as the brief of every caller
    """There is no manual to read: no folder, no manual.yaml, no permission."""

    def __init__(self, what: str, **values: object) -> None:
        self.what, self.values = what, values
        super().__init__(self.show("en"))

    def show(self, lang: str) -> str:
        """Return why it can't be read."""
        return translator(lang)(self.what, **self.values)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` was probably meant to be."""
    candidates = [str(k) for k in known]
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    return close[0] if close else None


def instead(word: str, known: Iterable[str]) -> tuple[str, dict[str, object]]:
    """Return the mend for an unknown name: the nearest known one, else a choice of all."""
    names = sorted(map(str, known))
    near = nearest(word, names)
    if near is not None:
        return N_("did you mean {near}?"), {"near": near}
    if not names:
        return N_("none is defined yet"), {}
    return N_("write one of {known}"), {"known": enumerate_names(names)}


_MOST_NAMES = 12
"""More of them would no longer help who reads them."""


def enumerate_names(names: list[str]) -> str:
    """Join names for the reader, not more than help."""
    return ", ".join(names if len(names) <= _MOST_NAMES else [*names[:_MOST_NAMES], "…"])
