"""The language that somebody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.i18n import LANGUAGES

if TYPE_CHECKING:
    from bongsu.web.access.actor import Actor

_MOST = 20
"""languages of a header that are looked at"""


def language(accepted: str, actor: Actor | None, locale: str, *, chosen_first: bool = False) -> str:
    """Return ``ko`` or ``en``: what the request asks for, what its sender chose, the manual's own.

    A program says what it wants in ``Accept-Language``. A browser always says something, so pages
    look at the choice first (``chosen_first``).
    """
    asked, chosen = accepts(accepted), actor.lang if actor else None
    found = (chosen, asked) if chosen_first else (asked, chosen)
    return next((lang for lang in found if lang in LANGUAGES), None) or locale


def accepts(header: str) -> str | None:
    """Return the language that an Accept-Language header likes best of those we have."""
    wishes = [_wish(part) for part in header.split(",")[:_MOST]]
    known = [(quality, lang) for lang, quality in wishes if lang in LANGUAGES and quality > 0]
    return max(known, key=lambda wish: wish[0])[1] if known else None


def _wish(part: str) -> tuple[str, float]:
    tag, _, parameter = part.strip().partition(";")
    try:
        quality = float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        quality = 0.0
    return tag.strip().lower().split("-")[0], quality
