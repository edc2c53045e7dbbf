"""The printed manual as Markdown (GitHub's): tables, task lists and Mermaid diagrams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from bongsu.manual.render import blocks as b
from bongsu.manual.render.inline import bare, plain, strong


def write(document: b.Document) -> str:
    """Return the document as one Markdown text."""
    return "\n\n".join(part for part in _parts(document) if part) + "\n"


def _parts(document: b.Document) -> Iterator[str]:
    yield f"# {document.title} — {document.name}"
    yield document.lead and f"> {document.lead}"
    yield " · ".join(f"{strong(label)}: {value}" for label, value in document.facts)
    yield f"## {document.contents}"
    yield "\n".join(f"- [{c.title}](#{_slug(c.title)})" for c in document.chapters)
    for chapter in document.chapters:
        yield f"## {chapter.title}"
        for block in chapter.blocks:
            yield _block(block)
    yield "---"
    yield document.closing and f"*{document.closing}*"
    yield document.generated


def _slug(title: str) -> str:
    """Make the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", bare(title).lower()).replace(" ", "-")


def _block(block: b.Block) -> str:  # noqa: C901, PLR0911  one exhaustive match over the kinds of blocks
    match block:
        case b.Heading():
            return f"{'#' * block.level} {block.text}"
        case b.Prose():
            return block.source
        case b.Note():
            return f"> {strong(block.text)}"
        case b.Bullets():
            marks = (f"{n}." if block.ordered else "-" for n in range(1, len(block.items) + 1))
            return "\n".join(
                f"{mark} {item}" for mark, item in zip(marks, block.items, strict=True)
            )
        case b.Checks():
            return "\n".join(_check(*item) for item in block.items)
        case b.Table():
            return _table(block)
        case b.Terms():
            return "\n".join(f"- {label}: {value}" for label, value in block.items)
        case b.Code():
            return _fenced(block.text, block.language)
        case b.Procedure():
            return "\n\n".join(_steps(block))
        case b.Figures():
            return "\n\n".join(map(_figure, block.items))
        case _:
            assert_never(block)


def _check(text: str, command: str | None) -> str:
    line = f"- [ ] {text}"
    return f"{line}\n\n{_indented(_fenced(command, 'bash'), 2)}\n" if command else line


def _table(table: b.Table) -> str:
    lines = (table.head, ("---",) * len(table.head), *table.rows)
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _indented(text: str, width: int) -> str:
    return "\n".join(" " * width + line if line else line for line in text.split("\n"))


def _steps(procedure: b.Procedure) -> Iterator[str]:
    for number, step in enumerate(procedure.steps, start=1):
        if step.stage:
            yield f"##### {step.stage}"
        mark = f"{number}. "
        parts = [strong(step.title), step.prose, step.code and _fenced(step.code, "text")]
        parts += ["\n".join(f"- {label}: {value}" for label, value in step.terms)]
        body = "\n\n".join(part for part in parts if part)
        yield mark + _indented(body, len(mark)).lstrip()


def _figure(figure: b.Figure) -> str:
    return f"{strong(plain(figure.title))}\n\n{_fenced(figure.mermaid, 'mermaid')}"
