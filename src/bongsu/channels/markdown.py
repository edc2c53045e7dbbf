"""Notices are written in Markdown; each channel turns the same parse into its own form.

The parser is loaded with the first notice, or ahead of it by a channel's `warm`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode


_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
LONGEST_URL = 2_000


@cache
def parser() -> MarkdownIt:
    """Return the one parser: CommonMark, strikethrough, bare addresses; HTML is only text.

    An image would be asked for by every reader's mail program, so there are none.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415  loaded when first needed

    made = MarkdownIt("commonmark", {"html": False, "breaks": True})
    made.enable("strikethrough").disable("image")
    made.core.ruler.push("bare_addresses", _link_bare_addresses)
    return made


def parse(text: str) -> SyntaxTreeNode:
    """Return a text's tree."""
    from markdown_it.tree import SyntaxTreeNode  # noqa: PLC0415  loaded when first needed

    return SyntaxTreeNode(parser().parse(text))


def _link_bare_addresses(state: StateCore) -> None:
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = list(_linked(block.children))


def _linked(tokens: list[Token]) -> Iterator[Token]:
    inside = 0
    for token in tokens:
        inside += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and not inside:
            yield from _split(token)
        else:
            yield token


def _split(token: Token) -> Iterator[Token]:
    """Cut a text at its addresses; a Korean particle that follows one is not part of it."""
    end = 0
    for match in _URL.finditer(token.content):
        address = _trimmed(match[0])
        if len(address) > LONGEST_URL:
            continue
        yield token.copy(content=token.content[end : match.start()])
        yield token.copy(type="link_open", tag="a", nesting=1, attrs={"href": address}, content="")
        yield token.copy(content=address)
        yield token.copy(type="link_close", tag="a", nesting=-1, content="")
        end = match.start() + len(address)
    yield token.copy(content=token.content[end:])


def _trimmed(address: str) -> str:
    """Leave out the punctuation of the sentence that an address stands in."""
    closing = address.count(")") - address.count("(")
    while address and (address[-1] in ".,;:!?'*" or (closing > 0 and address[-1] == ")")):
        closing -= address[-1] == ")"
        address = address[:-1]
    return address
