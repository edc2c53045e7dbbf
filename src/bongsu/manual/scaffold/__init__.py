"""The manual that `bongsu init` begins with: small, working, and full of comments that teach.

Each language has its own folder beside this file; the schemas for editors are written next to it.
"""

from __future__ import annotations

import json
from pathlib import Path

from bongsu.i18n import N_
from bongsu.manual.jsonschema import schemas
from bongsu.manual.problems import UnreadableManual

_HERE = Path(__file__).parent
_SCHEMAS = ".schema"
_MAY_BE_THERE = frozenset({".git"})


def begin(folder: Path, lang: str) -> list[Path]:
    """Write a new manual into an empty or missing folder; returns its files, as written.

    Raises:
        UnreadableManual: there is something in the folder already, or it can't be written.
    """
    try:
        if folder.exists() and any(p.name not in _MAY_BE_THERE for p in folder.iterdir()):
            raise UnreadableManual(
                N_("{folder} is not empty; name a new folder"), folder=str(folder)
            )
        return [*_files(folder, _HERE / ("ko" if lang == "ko" else "en")), *_editor_help(folder)]
    except OSError as failure:
        raise UnreadableManual(
            N_("{folder} can't be written: {reason}"),
            folder=str(folder), reason=failure.strerror or str(failure),
        ) from failure  # fmt: skip


def _files(folder: Path, source: Path) -> list[Path]:
    written = []
    for original in sorted(p for p in source.rglob("*") if p.is_file()):
        target = folder / original.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_head(target, folder) + original.read_text("utf-8"), "utf-8")
        written.append(target)
    return written


def _head(target: Path, folder: Path) -> str:
    """Return the line by which editors find a YAML file's schema."""
    if target.suffix != ".yaml":
        return ""
    inside = target.parent != folder
    chapter = "playbook" if inside else target.stem
    return f"# yaml-language-server: $schema={'../' if inside else ''}{_SCHEMAS}/{chapter}.json\n"


def _editor_help(folder: Path) -> list[Path]:
    written = []
    (folder / _SCHEMAS).mkdir(exist_ok=True)
    for chapter, schema in schemas().items():
        target = folder / _SCHEMAS / f"{chapter}.json"
        target.write_text(json.dumps(schema, ensure_ascii=False, indent=1) + "\n", "utf-8")
        written.append(target)
    return written
