"""JSON Schema of every file of a manual, for editors that complete and check while one writes."""

from __future__ import annotations

from typing import Any

from bongsu.manual.chapters import SCHEMAS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(chapter: str) -> dict[str, Any]:
    """Return the schema of a chapter by its file's stem (`manual`, `team` …, `playbook`).

    It accepts what the loader accepts, and refuses most of what that refuses; references between
    chapters are the checker's.

    Raises:
        KeyError: there is no such chapter.
    """
    model = SCHEMAS[chapter]
    return {"$schema": _DIALECT, "title": f"{chapter}.yaml", **_tidy(model.model_json_schema())}


def schemas() -> dict[str, dict[str, Any]]:
    """Return every chapter's schema by its file's stem."""
    return {chapter: schema(chapter) for chapter in SCHEMAS}


def _tidy(entry: Any) -> Any:
    """Drop what says nothing in an editor: titles that repeat the key."""
    if isinstance(entry, dict):
        return {
            key: _properties(item) if key in ("properties", "$defs") else _tidy(item)
            for key, item in entry.items()
            if key not in ("title", "discriminator")
        }
    return [_tidy(item) for item in entry] if isinstance(entry, list) else entry


def _properties(entries: dict[str, Any]) -> dict[str, Any]:
    """Keep keys as they are: one of them may itself be called ``title``."""
    return {key: _tidy(item) for key, item in entries.items()}
