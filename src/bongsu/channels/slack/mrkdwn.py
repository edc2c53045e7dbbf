"""From Markdown to Slack's own markup, which looks alike and is not.

Bold is ``*one star*``, links are ``<address|text>``, and ``& < >`` must be escaped because
``<!channel>`` would ring everybody. There is no way to escape ``* _ ~`` and the backtick; where
Slack would take one for markup, a zero-width space stands after it. Slack also wants a
blank or punctuation around markup, which Korean does not have (``**장애**가``): a zero-width space
again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bongsu.channels.markdown import LONGEST_URL, parse
from bongsu.channels.message import MENTION, Mention
from bongsu.channels.text import width
from bongsu.incident.literal import clean

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_ZERO_WIDTH = "\u200b"
_MARKS = {"strong": "*", "em": "_", "s": "~"}
_FENCE = "```"
_MARKUP_LIKE = re.compile(r"(?<!\w)([*_~`])(?=\S)")
_ATOM = re.compile(r"&(?:amp|lt|gt);|<[^<>\n]*>|\s|[^\s&<]{1,40}|.", re.DOTALL)


def escape(text: str) -> str:
    """Escape what Slack would read as a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(address: str, label: str = "") -> str:
    """Write a link; an address that is not of the web stays text."""
    shown = escape(label).replace("|", "¦")
    if len(address) > LONGEST_URL or not address.startswith(("https://", "http://", "mailto:")):
        return shown or escape(address)
    target = escape(address).replace("|", "%7C")
    return f"<{target}|{shown}>" if label and label != address else f"<{target}>"


def to_mrkdwn(text: str, mentions: Iterable[Mention] = ()) -> list[str]:
    """Convert Markdown, one string for each of its blocks.

    ``@here`` and its like become mentions only where ``mentions`` names them.
    """
    writer = _Writer(frozenset(mentions))
    blocks = (writer.block(node) for node in parse(clean(text)).children)
    return [block for block in blocks if block.strip()]


def split(block: str, limit: int) -> Iterator[str]:
    """Cut a converted block into parts of at most ``limit``, never within an escape or a link."""
    if width(block) <= limit:
        yield block
    elif block.startswith(_FENCE):
        inner = block.removeprefix(_FENCE).removesuffix(_FENCE).strip("\n")
        for part in _parts(inner, limit - 2 * len(_FENCE) - 2):
            yield f"{_FENCE}\n{part}\n{_FENCE}"
    else:
        yield from _parts(block, limit)


def _parts(text: str, limit: int) -> Iterator[str]:
    part: list[str] = []
    used = 0
    for atom in _ATOM.findall(text):
        size = width(atom)
        if used + size > limit:
            yield "".join(part)
            part, used = [], 0
        part.append(atom)
        used += size
    yield "".join(part)


class _Writer:
    """Writes a tree; knows which mentions are meant."""

    def __init__(self, mentions: frozenset[Mention]) -> None:
        self._mentions = mentions

    def block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "heading":
                return f"*{self._inline(node, bold=False)}*"
            case "bullet_list" | "ordered_list":
                return self._list(node)
            case "blockquote":
                return "> " + self._blocks(node, "\n\n").replace("\n", "\n> ")
            case "fence" | "code_block":
                code = escape(node.content.rstrip("\n")).replace(_FENCE, f"`{_ZERO_WIDTH}``")
                return f"{_FENCE}\n{code}\n{_FENCE}"
            case "hr":
                return "———"
            case _:
                return self._inline(node)

    def _blocks(self, node: SyntaxTreeNode, between: str) -> str:
        return between.join(self.block(child) for child in node.children)

    def _list(self, node: SyntaxTreeNode) -> str:
        first = int(node.attrs.get("start", 1))
        ordered = node.type == "ordered_list"
        lines = []
        for number, item in enumerate(node.children, first):
            body = self._blocks(item, "\n").replace("\n", "\n    ")
            lines.append(f"{number}. {body}" if ordered else f"• {body}")
        return "\n".join(lines)

    def _inline(self, node: SyntaxTreeNode, *, bold: bool = True) -> str:
        """Join the pieces, with a zero-width space where markup would touch a letter."""
        written, after_markup = "", False
        for child in node.children:
            piece, markup = self._piece(child, bold=bold)
            touching = (markup and written[-1:].isalnum()) or (after_markup and piece[:1].isalnum())
            written += (_ZERO_WIDTH if touching else "") + piece
            after_markup = markup
        return written

    def _piece(self, node: SyntaxTreeNode, *, bold: bool) -> tuple[str, bool]:
        match node.type:
            case "text":
                return self._literal(node.content), False
            case "softbreak" | "hardbreak":
                return "\n", False
            case "code_inline":
                return f"`{escape(node.content).replace('`', chr(39))}`", True
            case "link" | "image":
                address = str(node.attrs.get("href") or node.attrs.get("src") or "")
                return link(address, _words(node)), False
            case "strong" | "em" | "s" if bold or node.type != "strong":
                return self._marked(_MARKS[node.type], self._inline(node, bold=bold)), True
            case _:
                return self._inline(node, bold=bold), False

    @staticmethod
    def _marked(mark: str, text: str) -> str:
        """Slack ends markup at the line's end, so each line gets its own."""
        return "\n".join(f"{mark}{line}{mark}" if line else "" for line in text.split("\n"))

    def _literal(self, text: str) -> str:
        safe = escape(_MARKUP_LIKE.sub(rf"\1{_ZERO_WIDTH}", text))
        return MENTION.sub(self._mention, safe)

    def _mention(self, found: re.Match[str]) -> str:
        return f"<!{found[1]}>" if found[1] in self._mentions else found[0]


def _words(node: SyntaxTreeNode) -> str:
    """The text of a link or image, without markup."""
    return "".join(n.content for n in node.walk() if n.type in ("text", "code_inline"))
