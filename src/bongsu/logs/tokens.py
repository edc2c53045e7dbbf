"""What of a line varies by the look of it alone: numbers, paths, addresses, dates, quantities.

A line becomes a *pattern*: its text with `HOLE` where something varies. Each rule only ever
replaces text by a hole, so a pattern always matches the line that it was made of.
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
    [
        "msg",
        "message",
        "event",
        "level",
        "lvl",
        "severity",
        "error",
        "err",
        "reason",
        "exception",
        "action",
        "status",
        "state",
        "type",
        "kind",
    ]
)
"""keys whose values say what happened, rather than to what"""

APART = r"""\s,;()\[\]{}"'=<>|:"""
"""what separates words, in a character class"""
PATH = re.compile(
    r"""(?<![^\s=(\[{"'<,:|])(?:[a-z][a-z0-9+.]*://|\.?/(?=[^\s/])|[A-Za-z]:\\|\\)[^\s,;'")\]}>|=]*[^\s,;'")\]}>|=:.]"""
)
DOTTED = re.compile(r"(?<=[\s=(\[{\"'<,:|@/])[\w$-]+(?:\.[\w$-]+){2,}(?:[@/][^\s,;'\")\]}>|=]*)?")
RAISED = re.compile(r"(?:Exception|Error|Throwable|Failure)$")
NUMBERED = re.compile(
    r"(?<![0-9A-Za-z_\x80-\U0010ffff])[A-Za-z_\x80-\U0010ffff]*[0-9][0-9A-Za-z_\x80-\U0010ffff]*"
)
"""a word with a digit, exactly as `shapes` sees it: what lines of one shape may differ in"""
ATOM = re.compile(rf"""(?<![^{APART}])[^{APART}{HOLE}]*{HOLE}(?:[^{APART}]*[^{APART}.])?""")
DOTS = ".."
DOTTED_ATOM = re.compile(rf"""[^{APART}.]+(?:\.[^{APART}.]+)*""")
HEXADECIMAL = re.compile(
    rf"\b(?=[0-9A-Fa-f:{HOLE}]*{HOLE})(?:[0-9A-Fa-f]{{2}}|{HOLE})(?::(?:[0-9A-Fa-f]{{2}}|{HOLE}))+(?![\w])|\b[a-f]{{8,}}\b|\b[A-F]{{8,}}\b"
)
DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
DATE = re.compile(rf"\b(?:{DAY},? +)?(?:{HOLE} +)?{MONTH} +{HOLE}|\b{DAY},? +{HOLE}")
ZONE = re.compile(rf"{HOLE},? +(?:[A-Z]{{1,3}}[SD]T|UTC|GMT|Z|AM|PM)\b")
QUANTITY = re.compile(
    rf"[<>~]?{HOLE} ?(?:[KMGT]i?B(?:/s)?|[kmgt]b|B|[Bb]ytes?|[num]?s|msecs?|secs?|seconds?|mins?"
    r"|minutes?|hours?|[KMG]?Hz|%)(?![\w])"
)
PORT = re.compile(rf"(?<![\w.])[A-Za-z][\w-]*(?:\.[\w-]+)+:{HOLE}")
ASIDE = re.compile(rf"{HOLE} ?\({HOLE}?\)")
JOINED = re.compile(rf"[-+#]?{HOLE}(?:[.:/@#~$%+*&_|-]*{HOLE})+|[-+#]{HOLE}")
LISTED = re.compile(rf"{HOLE}(?:[,;]? *{HOLE})+")


def _atom(found: re.Match[str]) -> str:
    text = found.group()
    return HOLE if HOLE in text else text


def _dotted(found: re.Match[str]) -> str:
    text = found.group()
    return text if RAISED.search(text) else HOLE


def pattern_of(line: str) -> str:
    """Return the line with holes for what varies by its look; white space becomes one space."""
    text = NUMBERED.sub(HOLE, line)
    if "/" in text or "\\" in text:
        text = PATH.sub(HOLE, text)
    return _widened(DOTTED.sub(_dotted, text))


def numbers_out(line: str) -> str:
    """Return the line with holes for words with digits and around; names and paths stay."""
    return _widened(NUMBERED.sub(HOLE, line))


def _widened(line: str) -> str:
    text = line
    if HOLE in text:
        text = DOTTED_ATOM.sub(_atom, text) if DOTS in text else ATOM.sub(HOLE, text)
        for rule in (HEXADECIMAL, PORT, DATE, JOINED, ZONE, QUANTITY, ASIDE, LISTED):
            text = rule.sub(HOLE, text)
    return " ".join(text.split())
