"""Korean and English for every text that a person sees.

The English text is its own key; ``locale/ko/*.po`` hold the Korean ones and are compiled to one
catalogue when the package is built (``make locale`` while developing). Use:

    t = translator("ko")
    t("{person} did not answer within {wait}", person=name, wait="3m")

A Korean text may ask for the particle that fits the inserted word's last sound:
``"{person:이/가} 받지 않았습니다"`` (also 은/는, 을/를, 과/와, 으로/로, 이나/나).
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

LANGUAGES = ("ko", "en")
_LOCALE = Path(__file__).with_name("locale")


class Word(str):
    """A value inserted into a text, which knows the particles that may follow it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """Append the particle of a pair such as ``은/는``; any other spec is a plain string's."""
        if "/" not in spec:
            return super().__format__(spec)
        closed, open_ = spec.split("/", 1)
        return self + (closed if _takes_closed_form(self, closed) else open_)


class Translator:
    """Texts of one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang if lang in LANGUAGES else "en"
        self._catalogue = gettext.translation("bongsu", _LOCALE, [self.lang], fallback=True)

    def __call__(self, text: str, /, **values: object) -> str:
        """Translate ``text`` and fill in its ``{names}``; without values it is not formatted."""
        found = self._catalogue.gettext(text) if text else ""
        if not values:
            return found
        return found.format_map({key: Word(value) for key, value in values.items()})


@cache
def translator(lang: str) -> Translator:
    """Return the texts of a language; an unknown one reads English."""
    return Translator(lang)


def N_(text: str) -> str:  # noqa: N802  gettext's own name for "extract, translate later"
    """Mark a text for the catalogue where it is written, to be translated where it is shown."""
    return text


def _takes_closed_form(word: str, closed: str) -> bool:
    """Whether ``word`` ends in a consonant, as Korean particles see it."""
    final = _final_sound(word.rstrip("\"')]」』”’"))
    if closed.startswith("으로"):
        return final not in ("", "ㄹ")
    return final != ""


_DIGIT_FINALS = dict(
    zip("0123456789", ("ㅇ", "ㄹ", "", "ㅁ", "", "", "ㄱ", "ㄹ", "ㄹ", ""), strict=True)
)


def _final_sound(word: str) -> str:
    """Return the final consonant of the last syllable, ``""`` where there is none."""
    last = word[-1:].lower()
    if "가" <= last <= "힣":
        index = (ord(last) - ord("가")) % 28
        return {0: "", 8: "ㄹ"}.get(index, "x")
    if last in _DIGIT_FINALS:
        return _DIGIT_FINALS[last]
    if word[-2:].lower() == "ng":
        return "x"
    return {"l": "ㄹ", "m": "x", "n": "x"}.get(last, "")
