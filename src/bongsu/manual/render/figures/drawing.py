"""What all drawings share: their templates, and how much room a text takes."""

from __future__ import annotations

import unicodedata
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

_WIDE = 1.0
_NARROW = 0.56
"""Widths of letters as a share of the font size: Hangul is square, Latin a bit over half."""


@cache
def environment() -> Environment:
    """Return the environment of this package's templates; everything put into them is escaped."""
    return Environment(
        loader=PackageLoader("bongsu.manual.render", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def draw(template: str, **values: object) -> str:
    """Draw one SVG element."""
    return environment().get_template(template).render(values).strip()


def width_of(text: str, size: float) -> float:
    """Estimate how wide a text is at a font size, in the drawing's units."""
    return size * sum(_WIDE if _is_wide(letter) else _NARROW for letter in text)


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in ("W", "F")


def fit(text: str, width: float, size: float) -> str:
    """Shorten a text to a width, with an ellipsis where something is left out."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, width: float, size: float, lines: int) -> list[str]:
    """Break a text between words into at most so many lines; what is left over is shortened."""
    done: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width_of(longer, size) > width and len(done) < lines - 1:
            done.append(line)
            longer = word
        line = longer
    return [fit(part, width, size) for part in [*done, line] if part]
