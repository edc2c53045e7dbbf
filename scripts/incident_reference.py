"""Write docs/reference/phases.md and docs/reference/events.md from the tables of the code.

With ``--check`` nothing is written; exit 1 says that a page is not current.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, get_args

from bongsu.incident import events, phases
from bongsu.incident.phases import ACTIVE, TRANSITIONS, Phase

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by scripts/incident_reference.py; change {source} instead. -->\n"


def pages() -> dict[str, str]:
    """Return each page's text by its file name."""
    return {"phases.md": phases_page(), "events.md": events_page()}


# ── phases ───────────────────────────────────────────────────────────────────────────────


def phases_page() -> str:
    """The phases, what moves an incident between them, and a picture of it."""
    means = _class(phases, "Phase").fields
    return "\n".join([
        "# Phases of an incident",
        "",
        NOTE.format(source="src/bongsu/incident/phases.py"),
        "An incident is always in exactly one phase. The events that move it are listed per phase;",
        "every other event leaves the phase as it is.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *_diagram(),
        "```",
        "",
        "| phase | meaning | event → next phase |",
        "|---|---|---|",
        *(f"| **{phase}** | {means[phase.name].means} | {_ways_out(phase)} |" for phase in Phase),
        "",
    ])  # fmt: skip


def _diagram() -> Iterator[str]:
    """Draw the open phases as one box, so that what leads out of all of them is one arrow."""
    inside: dict[tuple[str, str], list[str]] = {}
    outside: dict[tuple[str, str], list[str]] = {}
    for before, kind, after in _moves():
        if before in ACTIVE and after in ACTIVE:
            inside.setdefault((before, after), []).append(kind)
        else:
            kinds = outside.setdefault(("open" if before in ACTIVE else before, after), [])
            kinds += [kind] if kind not in kinds else []
    yield "    state open {"
    yield "        [*] --> detected: opened"
    yield from (f"        {a} --> {b}: {', '.join(kinds)}" for (a, b), kinds in inside.items())
    yield "    }"
    yield from (f"    {a} --> {b}: {', '.join(kinds)}" for (a, b), kinds in outside.items())


def _moves() -> Iterator[tuple[Phase, str, Phase]]:
    for (before, kind), after in TRANSITIONS.items():
        yield before, str(kind.__struct_config__.tag), after


def _ways_out(phase: Phase) -> str:
    ways = [
        f"[`{kind}`](events.md#{kind}) → {after}"
        for before, kind, after in _moves()
        if before is phase
    ]
    return "<br>".join(ways) or "–"


# ── events ───────────────────────────────────────────────────────────────────────────────


def events_page() -> str:
    """Every kind of event with its fields."""
    lines = [
        "# Events of an incident's log",
        "",
        NOTE.format(source="src/bongsu/incident/events.py"),
        "An incident is the fold of its log. Each entry has `seq` (1, 2, 3 … without gaps), `at`",
        "(UTC), `actor` (`system`, `person:ID` or `integration:ID`) and `body`, a JSON object.",
        "Its `kind` is one of these; fields that have their default are left out. A kind or a",
        "field is never changed or removed once a release has written it; new ones may be added.",
        "",
    ]
    for kind in get_args(events.AnyBody):
        found = _class(sys.modules[kind.__module__], kind.__name__)
        lines += [f"## {kind.__struct_config__.tag}", "", found.means, ""]
        if found.fields:
            lines += ["| field | type | default | |", "|---|---|---|---|"]
            lines += [
                f"| `{name}` | `{_cell(field.type)}` | {_default(field)} | {field.means} |"
                for name, field in found.fields.items()
            ]
            lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _default(field: Field) -> str:
    return f"`{_cell(field.default)}`" if field.default else "required"


# ── what the source says ─────────────────────────────────────────────────────────────────


class Field(NamedTuple):
    """An attribute as it is written, and the string that stands below it."""

    type: str
    default: str
    means: str


class Described(NamedTuple):
    """A class's docstring and its attributes."""

    means: str
    fields: dict[str, Field]


def _class(module: ModuleType, name: str) -> Described:
    tree = ast.parse(inspect.getsource(module))
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    fields: dict[str, Field] = {}
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        means = ast.get_docstring(ast.Module([after], [])) if after else None
        match statement:
            case ast.AnnAssign(target=ast.Name(id=field), annotation=kind, value=value):
                default = ast.unparse(value) if value else ""
                fields[field] = Field(ast.unparse(kind), default, _line(means))
            case ast.Assign(targets=[ast.Name(id=field)], value=value):
                fields[field] = Field("", ast.unparse(value), _line(means))
    return Described(_line(ast.get_docstring(node)), fields)


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("``", "`")


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are not current."""
    stale = [
        name
        for name, text in pages().items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text("utf-8") != text
    ]
    if "--check" in arguments:
        print("".join(f"docs/reference/{name} is not current\n" for name in stale), end="")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(pages()[name], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
