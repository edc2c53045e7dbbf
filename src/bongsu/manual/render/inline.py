"""Values of a manual as inline Markdown: escaped, so that no value can change what is around it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from markdown_it import MarkdownIt

_SPECIAL = re.compile(r"([\\`*_\[\]<>&~])")
_BLOCK_START = re.compile(
    r"^(?:#{1,6}(?=\s|$)|>|[+-](?=\s|$)|-{2,}\s*$|=+\s*$|(\d{1,9})(?=[.)](?:\s|$)))"
)
_CODE_OR_LOOSE = re.compile(
    r"\\.|(?P<code>(?<!`)(?P<fence>`+)(?!`).+?(?<!`)(?P=fence)(?!`))"
    r"|(?P<loose>`|<(?=[A-Za-z/!?])|!(?=\[)|\\\Z)"
)
_UNSAFE_IN_URL = re.compile(r"[\s<>()\\|`\"]")
_PARAMETER = re.compile(r"\{\{\s*[\w.-]+\s*\}\}")
NONE = "–"

READER = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
"""Reads the manual's Markdown; an image would be fetched from elsewhere, so there are none."""


def one_line(text: str) -> str:
    """Join a text's lines, as a table cell or a list item needs it."""
    return " ".join(text.split())


def markdown(text: str) -> str:
    """Take a Markdown text as one line; raw HTML, images and block structure become text.

    A backtick without its partner does too, so that it can't find one in the text that follows.
    """
    safe = _CODE_OR_LOOSE.sub(lambda m: f"\\{m[0]}" if m["loose"] else m[0], one_line(text))
    return _inside_block(safe)


def plain(text: object) -> str:
    """Take a name, an address or a number: it means exactly its characters."""
    return _inside_block(_SPECIAL.sub(r"\\\1", one_line(str(text))))


def _inside_block(inline: str) -> str:
    """Keep the first characters from beginning a heading, a list or a quotation."""
    return _BLOCK_START.sub(lambda m: f"{m[1]}\\" if m[1] else f"\\{m[0]}", inline)


def strong(inline: str) -> str:
    """Emphasise."""
    return f"**{inline}**"


def code(text: str) -> str:
    """Show something that is typed or copied."""
    line = one_line(text)
    if not line:
        return NONE
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def link(url: str, label: str | None = None) -> str:
    """Link to a web or mail address; anything else is shown as text."""
    shown = plain(label if label is not None else url.removeprefix("mailto:"))
    if not url.startswith(("https://", "http://", "mailto:")):
        return shown
    safe = _UNSAFE_IN_URL.sub(lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()), url)
    return f"[{shown}]({safe})"


def listing(items: Iterable[str], between: str = ", ") -> str:
    """Join inline texts; nothing is shown as a dash."""
    return between.join(item for item in items if item) or NONE


def command(argv: Sequence[str]) -> str:
    """Write argv as a line that a person could paste into a shell, once its parameters are in."""
    return " ".join(map(_argument, argv))


def _argument(argument: str) -> str:
    """Quote an argument where its own characters need it; a parameter brings only safe ones."""
    own = _PARAMETER.sub("x", argument)
    return argument if shlex.quote(own) == own else shlex.quote(argument)


def bare(markdown: str) -> str:
    """Return the characters that a reader of inline Markdown sees, for a drawing."""
    (block,) = READER.parseInline(markdown)
    return "".join(token.content for token in block.children or ())
