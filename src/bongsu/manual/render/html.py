"""The printed manual as one HTML file that fetches nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Template
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from bongsu.manual.render.blocks import Document
from bongsu.manual.render.figures.drawing import environment
from bongsu.manual.render.inline import READER


def write(document: Document) -> str:
    """Return the document as HTML."""
    return _page().render(document=document)


@cache
def _page() -> Template:
    own = environment().overlay()
    own.filters = {**own.filters, "inline": _inline, "prose": _prose, "drawn": _drawn}
    own.tests = {**own.tests, "block": _is_block}
    return own.get_template("manual.html")


_SHORT = 28
"""Characters of code that stay on one line in a narrow column."""


class _Renderer(RendererHTML):
    def code_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        if len(tokens[idx].content) <= _SHORT:
            tokens[idx].attrSet("class", "short")
        return super().code_inline(tokens, idx, options, env)


_WRITER = MarkdownIt(renderer_cls=_Renderer)


def _written(tokens: list[Token]) -> Markup:
    html = _WRITER.renderer.render(tokens, READER.options, {})
    return Markup(html)  # noqa: S704  raw HTML is switched off in READER


def _inline(source: str) -> Markup:
    return _written(READER.parseInline(source))


def _prose(source: str) -> Markup:
    return _written(READER.parse(source))


def _drawn(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704  it comes from our own templates, which escape


def _is_block(block: object, kind: str) -> bool:
    return type(block).__name__ == kind
