"""Words from a signal, written into a Markdown text so that they stay words.

Whoever can make a monitored system say something must not be able to put a link, an image or a
heading into the team's own announcement. Only what Markdown would act on is escaped, so that
``[FIRING:1] disk_full https://…`` looks the same with and without markup.
"""

from __future__ import annotations

import re
import unicodedata

# Line breaks and tabs stay; other control characters and those that turn the reading direction
# round could forge a header, a terminal's state or a sentence.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ACTIVE = re.compile(
    r"""[`*]                       # code, emphasis
      | \\(?=[!-/:-@\[-`{-~\s]|\Z) # an escape, a line break
      | ~(?=~)|(?<=~)~             # struck out
      | <(?=[A-Za-z/!?])           # an address in angle brackets, HTML
      | (?<![^\W_])_|_(?![^\W_])   # emphasis, which never begins or ends within a word
      | (?<=\])[(:]|\A[(:]|\]\Z    # where a link leads, also one that began before this text
      | &(?=\#?\w+;)               # an entity
      """,
    re.VERBOSE,
)
_TRAILING = re.compile(r" +(?=\n)")  # two, one perhaps the text's around it, break a line
_BEGINNING = re.compile(
    r"""^([ \t]*)(?:
        (\d{1,9})(?=[.)](?:\s|$))  # a numbered list: its point is escaped
      | (?=\#{1,6}(?:\s|$)         # a heading
          | >                      # a quotation
          | [+-](?:\s|$)           # a list
          | =+[ \t]*$              # a line that makes a heading of the one above
          | -[-\ \t]*$             # the same, or a rule
        )
    )""",
    re.VERBOSE | re.MULTILINE,
)


def clean(text: str) -> str:
    """Return text without control characters, lone surrogates and foreign line ends, as NFC."""
    text = re.sub(r"\r\n?|[\u2028\u2029\x85]", "\n", text)
    text = _UNSAFE.sub("", text).encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", text)


def literal(text: str) -> str:
    """Return Markdown that reads as exactly this text, once it is `clean`."""
    # Cleaned first: what is left out later must not bring two characters together that act.
    plain = _TRAILING.sub("", clean(text))
    return _BEGINNING.sub(_escaped, _ACTIVE.sub(r"\\\g<0>", plain))


def _escaped(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2] or ''}\\"
