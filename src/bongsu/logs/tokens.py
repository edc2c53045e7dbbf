"""What of a line varies by the look of it alone: numbers, paths, addresses, dates, quantities.

A line becomes a *pattern*: its text with `HOLE` where something varies. Each rule only ever replaces text by a
hole, so a pattern always matches the line that it was made of.
"""

from __future__ import annotations

import re

HOLE = "\0"
"""one character that stands for any text, none included"""

CONSTANT = frozenset(
    ["true", "false", "True", "False", "TRUE", "FALSE", "yes", "no", "on", "off", "ON", "OFF"]
)
"""values that say which of two things happened, rather than to what"""
TELLING = frozenset(
    "msg message event level lvl severity error err reason exception action status state type kind"
    .split()
)
"""keys whose values say what happened, rather than to what"""

PATH = re.compile(
    r"""(?<![^\s=(\[{"'<,:|])(?:[a-z][a-z0-9+.]*://|\.?/(?=[^\s/])|[A-Za-z]:\\|\\)[^\s,;'")\]}>|=]*[^\s,;'")\]}>|=:.]"""
)
DOTTED = re.compile(r"(?<=[\s=(\[{\"'<,:|@/])[\w$-]+(?:\.[\w$-]+){2,}(?:[@/][^\s,;'\")\]}>|=]*)?")
RAISED = re.compile(r"(?:Exception|Error|Throwable|Failure)$")
ATOM = re.compile(
    r"""(?<![^\s,;()\[\]{}"'=<>|:])[^\s,;()\[\]{}"'=<>|:\d]*\d(?:[^\s,;()\[\]{}"'=<>|:]*[^\s,;()\[\]{}"'=<>|:.])?"""
)
DIGIT = re.compile(r"\d")
DOTS = ".."
DOTTED_ATOM = re.compile(r"""[^\s,;()\[\]{}"'=<>|:.]+(?:\.[^\s,;()\[\]{}"'=<>|:.]+)*""")
HEXADECIMAL = re.compile(rf"\b(?=[0-9A-Fa-f:{HOLE}]*{HOLE})(?:[0-9A-Fa-f]{{2}}|{HOLE})(?::(?:[0-9A-Fa-f]{{2}}|{HOLE}))+(?![\w])|\b[a-f]{{8,}}\b|\b[A-F]{{8,}}\b")
DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
DATE = re.compile(
    rf"\b(?:{DAY},? +)?(?:{HOLE} +)?{MONTH} +{HOLE}|\b{DAY},? +{HOLE}"
)
ZONE = re.compile(rf"{HOLE},? +(?:[A-Z]{{1,3}}[SD]T|UTC|GMT|Z|AM|PM)\b")
QUANTITY = re.compile(
    rf"[<>~]?{HOLE} ?(?:[KMGT]i?B(?:/s)?|[kmgt]b|B|[Bb]ytes?|[num]?s|msecs?|secs?|seconds?|mins?|minutes?|hours?|[KMG]?Hz|%)(?![\w])"
)
PORT = re.compile(rf"(?<![\w.])[A-Za-z][\w-]*(?:\.[\w-]+)+:{HOLE}")
ASIDE = re.compile(rf"{HOLE} ?\({HOLE}?\)")
JOINED = re.compile(rf"[-+#]?{HOLE}(?:[.:/@#~$%+*&_|-]*{HOLE})+|[-+#]{HOLE}")
LISTED = re.compile(rf"{HOLE}(?:[,;]? *{HOLE})+")


def _atom(found: re.Match[str]) -> str:
    text = found.group()
    return HOLE if DIGIT.search(text) else text


def _dotted(found: re.Match[str]) -> str:
    text = found.group()
    return text if RAISED.search(text) else HOLE


def pattern_of(line: str) -> str:
    """Return the line with holes for what varies by its look; white space becomes one space."""
    text = line
    if "/" in text or "\\" in text:
        text = PATH.sub(HOLE, text)
    return numbers_out(DOTTED.sub(_dotted, text))


def numbers_out(line: str) -> str:
    """Return the line with holes for words with digits and what belongs to them; names and paths stay."""
    text = DOTTED_ATOM.sub(_atom, line) if DOTS in line else ATOM.sub(HOLE, line)
    if HOLE in text:
        for rule in (HEXADECIMAL, PORT, DATE, JOINED, ZONE, QUANTITY, ASIDE, LISTED):
            text = rule.sub(HOLE, text)
    return " ".join(text.split())
