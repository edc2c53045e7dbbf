"""Checks that every link from one of our documents to another leads somewhere.

Reads README*.md, CONTRIBUTING.md, CHANGELOG.md and docs/, and prints `file:line: what is wrong`.
Addresses on other hosts are left alone: they can fail while we are right.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README*.md", "CONTRIBUTING*.md", "CHANGELOG.md", "docs/**/*.md")


class Link(NamedTuple):
    """Where a document points, and the line on which it does so."""

    target: str
    line: int


class Document(NamedTuple):
    """What there is to check in one document."""

    anchors: frozenset[str]
    links: tuple[Link, ...]


def read(path: Path) -> Document:
    """Find a document's anchors and links."""
    anchors: set[str] = set()
    links: list[Link] = []
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(path.read_text("utf-8"))
    for before, token in zip([None, *tokens], tokens, strict=False):
        line = token.map[0] + 1 if token.map else 1
        if before and before.type == "heading_open":
            anchors.add(_unused(_slug(token), anchors))
        for inner in [token, *(token.children or [])]:
            target = inner.attrGet("href") or inner.attrGet("src")
            if target is not None:
                links.append(Link(str(target), line))
            if inner.type.startswith("html"):
                anchors.update(re.findall(r'\b(?:id|name)="([^"]+)"', inner.content))
                html = re.findall(r'\b(?:href|src)="([^"]+)"', inner.content)
                links.extend(Link(target, line) for target in html)
    return Document(frozenset(anchors), tuple(links))


def _slug(heading: Token) -> str:
    # As GitHub does it: letters of any script stay, punctuation goes, each space becomes a hyphen.
    text = "".join(
        child.content for child in heading.children or [] if child.type in {"text", "code_inline"}
    )
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def _unused(slug: str, taken: set[str]) -> str:
    numbered, count = slug, 0
    while numbered in taken:
        count += 1
        numbered = f"{slug}-{count}"
    return numbered


def problems(documents: dict[Path, Document]) -> Iterator[str]:
    """Say of each link that leads nowhere where it stands and what it misses."""
    for path, document in documents.items():
        for link in document.links:
            url = urlsplit(link.target)
            if url.scheme or url.netloc:
                continue
            place = f"{path.relative_to(ROOT)}:{link.line}"
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if not target.exists():
                yield f"{place}: there is no {link.target}"
            elif not target.is_relative_to(ROOT):
                yield f"{place}: {link.target} lies outside the project"
            elif url.fragment and target.suffix == ".md":
                there = documents.get(target) or read(target)
                if unquote(url.fragment) not in there.anchors:
                    yield f"{place}: {target.relative_to(ROOT)} has no heading #{url.fragment}"


def main() -> int:
    """Check all documents."""
    paths = sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)})
    documents = {path: read(path) for path in paths}
    found = list(problems(documents))
    print(*found, sep="\n", end="\n" if found else "")
    count = sum(len(document.links) for document in documents.values())
    print(f"{len(documents)} documents, {count} links, {len(found)} broken")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
