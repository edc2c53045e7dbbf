"""What a printed manual is made of, before it becomes Markdown or HTML.

Every string in a block is Markdown: an *inline* one has no block structure, a *prose* one may.
`bongsu.manual.render.inline` makes them from the manual's values, escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Heading:
    """A section or subsection; the chapter's own title is not one."""

    text: str
    level: Literal[3, 4, 5]
    anchor: str


@dataclass(frozen=True)
class Prose:
    """A paragraph or several (prose Markdown)."""

    source: str


@dataclass(frozen=True)
class Note:
    """A paragraph that must not be overlooked (inline)."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of inline texts."""

    items: tuple[str, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Checks:
    """A list to tick off; each item with the command that answers it, or none."""

    items: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class Table:
    """Inline cells; every row is as long as the head, and its first cell names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Terms:
    """Labels and their inline values."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """A text to be copied as it stands."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Procedure:
    """Numbered steps of a playbook."""

    steps: tuple[Instruction, ...]


@dataclass(frozen=True)
class Instruction:
    """One step: what, its command or request as it is run, what a person does, and its terms."""

    title: str
    code: str | None = None
    prose: str | None = None
    terms: tuple[tuple[str, str], ...] = ()
    """label and inline value: approval, condition, undo …"""
    stage: str | None = None
    """the heading above this step, where one begins with it"""


@dataclass(frozen=True)
class Figure:
    """A drawing; SVG for HTML, Mermaid for Markdown, with a text that says what is to be seen."""

    title: str
    describe: str
    wide: str
    narrow: str
    """the same for a phone; equal to ``wide`` where one fits both"""
    mermaid: str


@dataclass(frozen=True)
class Figures:
    """Drawings of one kind that stand side by side where there is room."""

    items: tuple[Figure, ...]


Block = Heading | Prose | Note | Bullets | Checks | Table | Terms | Code | Procedure | Figures


@dataclass(frozen=True)
class Chapter:
    """One chapter of the seed's order."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def sections(self) -> tuple[Heading, ...]:
        """Its sections, for the table of contents."""
        return tuple(b for b in self.blocks if isinstance(b, Heading) and b.level == 3)  # noqa: PLR2004  the level below the chapter's


@dataclass(frozen=True)
class Document:
    """The whole printed manual."""

    lang: Literal["ko", "en"]
    title: str
    name: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    """label and inline value: version, date, time zone"""
    contents: str
    """the title of the table of contents"""
    chapters: tuple[Chapter, ...]
    closing: str
    generated: str
