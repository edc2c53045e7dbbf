"""Write docs/reference/manual.md and docs/reference/database.md from what they describe.

The manual's page comes from its JSON Schema, the database's from the migrations and the comments in
them. With ``--check`` nothing is written; exit 1 says that a page is not current.
"""
# ruff: noqa: E501  the lines of a page are as long as those of the other documents

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bongsu.manual.chapters import REQUIRED, SCHEMAS, file_of
from bongsu.manual.jsonschema import schema
from bongsu.manual.schema import base
from bongsu.store.migrate import Migration, migrations

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by scripts/reference_pages.py; change {source} instead. -->\n"

Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Return each page's text by its file name."""
    return {"manual.md": manual_page(), "database.md": database_page()}


# ── the manual ───────────────────────────────────────────────────────────────────────────

MANUAL_HEAD = """\
# Every key of a manual

{note}
A manual is a folder. `bongsu init DIR` starts one, `bongsu manual check DIR` says by file and line what
would not work, and `bongsu manual schema --out DIR` writes these tables as JSON Schema for your editor.
A key that is not listed here is refused.

Every chapter is checked, printed and compared today. What Bongsu does not act on yet:
`diagnosis.yaml`, `playbooks/`, `verification.yaml`, `obligations.yaml`, `review.yaml`, the `audiences` of
`communication.yaml` (the first message to the team, `announce` in `response.yaml`, does go out) and the
`heartbeats` of `signals.yaml`.

| file | |
|---|---|
{files}

## How values are written

| | write | example |
|---|---|---|
| duration | a number with a unit, or several; a bare number is refused | `30s`, `2m`, `1h30m`, `1d`, `1w` |
| text | a line, or a line for each language; a plain one stands for both | `Search`, `{{ko: 검색, en: Search}}` |
| id | lower-case letters, digits, `-`, `_` and `.`, up to 63 characters | `korea-backend` |
| target | whom a page goes to: `person:`, `role:` or `rotation:` with a name | `rotation:main/primary` |
| matcher | one of Alertmanager's: `=`, `!=`, `=~`, `!~` | `service=~"korea-.*"` |
| condition | CEL; `bongsu manual variables` lists the names it may use | `severity in ['P0', 'P1']` |
| template | Jinja2, in a sandbox; `bongsu manual variables` lists the names | `{{{{ severity }}}}` |
| day, time, instant | an instant names its offset | `2025-08-14`, `10:00`, `2025-08-14T14:30+09:00` |
"""


class Chapter(NamedTuple):
    """One file of the manual."""

    stem: str
    file: str
    about: str
    needed: bool


def manual_page() -> str:
    """Every file of a manual, and every key in it with its type and its default."""
    chapters = [_chapter(stem) for stem in SCHEMAS]
    files = "\n".join(
        f"| [`{one.file}`](#{_anchor(one.file)}) | {one.about}{'' if one.needed else ' (optional)'} |"
        for one in chapters
    )
    note = NOTE.format(source="src/bongsu/manual/schema/")
    parts = [MANUAL_HEAD.format(note=note, files=files)]
    parts += [_chapter_text(one) for one in chapters]
    return "\n".join(parts)


def _chapter(stem: str) -> Chapter:
    kind = SCHEMAS[stem]
    module = sys.modules[kind.__module__]
    about = _line(module.__doc__).partition(": ")[2]
    name = "playbooks/*.yaml" if stem == "playbook" else f"{stem}.yaml"
    needed = name in {file_of((chapter,)) for chapter in REQUIRED}
    return Chapter(stem, name, about[:1].upper() + about[1:], needed)


def _anchor(file: str) -> str:
    return re.sub(r"[^\w\- ]", "", file.lower())


def _chapter_text(chapter: Chapter) -> str:
    whole = schema(chapter.stem)
    lines = [f"## {chapter.file}", "", chapter.about, "", *_table(whole, chapter.stem)]
    for name, entry in whole.get("$defs", {}).items():
        if name == base.Text.__name__:
            continue
        spelt = _spelt(entry)
        lines += [f"### {chapter.stem}: {name}", "", _line(spelt.get("description")), ""]
        lines += _table(spelt, chapter.stem)
    return "\n".join(lines)


def _spelt(entry: Schema) -> Schema:
    """The mapping form of an entry that a plain string may stand for."""
    found: Schema = entry.get("anyOf", [entry])[-1]
    return found


def _table(entry: Schema, stem: str) -> list[str]:
    rows = [
        f"| `{key}` | {_type(value, stem)} | {_default(key, value, entry)} | {_means(value)} |"
        for key, value in entry.get("properties", {}).items()
    ]
    return ["| key | value | default | |", "|---|---|---|---|", *rows, ""] if rows else []


def _default(key: str, value: Schema, entry: Schema) -> str:
    if key in entry.get("required", []):
        return "**required**"
    default = _without_nothing(value.get("default"))
    if default in (None, [], {}):
        return "–"
    return f"`{json.dumps(default, ensure_ascii=False)}`".replace("|", r"\|")


def _without_nothing(value: object) -> object:
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nothing(one) for key, one in value.items()}
    return {key: one for key, one in kept.items() if one not in (None, [], {})}


def _means(value: Schema) -> str:
    told = _line(value.get("description")).replace("|", r"\|")
    return "" if told in _IN_THE_TYPE else told


_IN_THE_TYPE = ("a CEL condition", "a Jinja2 text", "lower-case letters, digits, '-', '_' and '.'")
_BY_PATTERN = (
    ("([0-9]{1,9}w)", "duration"),
    ("^[a-z0-9][a-z0-9_.-]", "id"),
    ("^(person:", "target"),
    ("^([01][0-9]", "time"),
)
_BY_FORMAT = {"cel": "condition", "jinja2": "template", "date": "day", "date-time": "instant"}


def _type(value: Schema, stem: str) -> str:
    """Say what to write, in the words of the page's first table."""
    match value:
        case {"$ref": str(ref)}:
            return _reference(ref.rpartition("/")[2], stem)
        case {"anyOf": list(several)} | {"oneOf": list(several)}:
            words = dict.fromkeys(_type(one, stem) for one in several if one.get("type") != "null")
            return " or ".join(words)
        case {"enum": list(words)} | {"const": str(words)}:
            return ", ".join(f"`{word}`" for word in ([words] if isinstance(words, str) else words))
        case {"type": "array"}:
            return f"list of {_type(value.get('items', {}), stem)}"
        case {"type": "object"}:
            return _mapping(value, stem)
    return _scalar(value)


def _scalar(value: Schema) -> str:
    for start, word in _BY_PATTERN:
        if start in value.get("pattern", ""):
            return word
    return _BY_FORMAT.get(value.get("format", ""), str(value.get("type", "any value")))


def _mapping(value: Schema, stem: str) -> str:
    inner = value.get("additionalProperties") or next(
        iter(value.get("patternProperties", {}).values()), None
    )
    keys = value.get("propertyNames", {}).get("enum")
    named = ", ".join(f"`{key}`" for key in keys) if keys else "name"
    return f"{named} → {_type(inner, stem)}" if isinstance(inner, Mapping) else "mapping"


def _reference(name: str, stem: str) -> str:
    if name == base.Text.__name__:
        return "text"
    return f"[{name}](#{stem}-{name.lower()})"


# ── the database ─────────────────────────────────────────────────────────────────────────

DATABASE_HEAD = """\
# The database

{note}
PostgreSQL 15 or newer, the one that comes with Bongsu or [your own](../how-to/run-on-your-postgresql.md).
`bongsu serve` and `bongsu worker` bring the tables up to date when they start, one process at a time;
a migration that was applied is never changed, and a database of a newer release is refused.

The log (`events`) is the truth, and is only ever added to. [Durability](../explanation/durability.md) says
what is guaranteed. Everything else is kept beside it because a list, a timer or a decision needs it at once.
Read it as you like; write to it only through Bongsu: `bongsu audit` finds a log that was altered.

The schema `jobs` belongs to the job engine, pgqueuer, and holds nothing but the numbers of effects
([why](../decisions/0001-job-engine.md)).
"""
_CREATE = re.compile(
    r"((?:^--[^\n]*\n)*)^CREATE TABLE (\w+) \(\n(.*?)^\)[^;]*;", re.MULTILINE | re.DOTALL
)
_ADDED = re.compile(r"^ALTER TABLE (\w+) ADD COLUMN (.*)$", re.MULTILINE)
_COLUMN = re.compile(r"^    ([a-z_]+)\s+([a-z]+(?:\[\])?)\s*(.*)$")
_COMMENT = re.compile(r"--\s*(.*?)(?=\s*--|$)", re.MULTILINE)


def database_page() -> str:
    """Every table with its columns and what the migrations say about them."""
    note = NOTE.format(source="src/bongsu/store/migrations/")
    added: dict[str, list[str]] = {}
    for step in migrations():
        for name, column in _ADDED.findall(step.sql):
            added.setdefault(name, []).append(f"    {column} -- since step {step.version:04}")
    tables = [table for step in migrations() for table in _tables(step, added)]
    return "\n".join([DATABASE_HEAD.format(note=note), *tables])


def _tables(step: Migration, added: Mapping[str, list[str]]) -> Iterator[str]:
    for before, name, body in _CREATE.findall(step.sql):
        about = " ".join(_COMMENT.findall(before))
        rows = [_column(line) for line in [*body.splitlines(), *added.get(name, [])]]
        head = [f"## {name}", "", *([about, ""] if about else [])]
        came = f"Since step {step.version:04} (`{step.name}`)."
        table = ["| column | type | |", "|---|---|---|", *filter(None, rows), ""]
        yield "\n".join([*head, came, "", *table])


def _column(line: str) -> str:
    found = _COLUMN.match(line)
    if not found:
        return ""
    name, kind, rest = found.groups()
    told = "; ".join(_COMMENT.findall(rest))
    points_at = re.search(r"REFERENCES (\w+)", rest)
    words = [
        "key" if "PRIMARY KEY" in rest else "",
        f"→ {points_at[1]}" if points_at else "",
        told,
    ]
    return f"| `{name}` | {kind} | {'; '.join(filter(None, words))} |".replace("  |", " |")


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
