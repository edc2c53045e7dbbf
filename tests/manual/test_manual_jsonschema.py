"""Editors accept what the loader accepts, and warn of most of what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bongsu.manual.chapters import SCHEMAS
from bongsu.manual.jsonschema import schema, schemas
from bongsu.manual.yamlfile import Node, parse

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FOLDERS = [
    HERE / "base",
    ROOT / "manuals" / "korea-public-data",
    ROOT / "src" / "bongsu" / "manual" / "scaffold" / "ko",
    ROOT / "src" / "bongsu" / "manual" / "scaffold" / "en",
]
FILES = [(folder, file) for folder in FOLDERS for file in sorted(folder.rglob("*.yaml"))]


def value_of(raw: bytes) -> Any:
    root = parse("file.yaml", raw)
    assert isinstance(root, Node)
    return root.value


def accepts(chapter: str, value: Any) -> bool:
    return bool(Draft202012Validator(schema(chapter)).is_valid(value))


def chapter_of(folder: Path, file: Path) -> str:
    return file.stem if file.parent == folder else "playbook"


@pytest.mark.parametrize("chapter", SCHEMAS)
def test_each_schema_is_one(chapter: str) -> None:
    Draft202012Validator.check_schema(schema(chapter))


@pytest.mark.parametrize(("folder", "file"), FILES, ids=[f"{d.name}/{f.name}" for d, f in FILES])
def test_every_file_of_every_manual_is_accepted(folder: Path, file: Path) -> None:
    validator = Draft202012Validator(schema(chapter_of(folder, file)))
    assert [e.message for e in validator.iter_errors(value_of(file.read_bytes()))] == []


@pytest.mark.parametrize(
    ("chapter", "old", "new"),
    [
        ("manual", "detection: 5m", "detection: 5"),
        ("manual", "detection: 5m", "detection: ''"),
        ("manual", "locale: en", "locale: fr"),
        ("manual", "P3: {", "P4: {"),
        ("manual", "{ko: 데이터 유출, en: Data breach}", "{ko: 데이터 유출}"),
        ("team", "held_by: [kim]", "hold_by: [kim]"),
        ("team", "lead:\n", "Lead:\n"),
        ("oncall", '"10:00"', '"25:00"'),
        ("oncall", "slots: [primary, secondary]", "slots: []"),
        ("services", "tier: 2", "tier: 5"),
        ("signals", "[alertmanager]", "[alertmanger]"),
        ("response", '"role:commander"', '["commander"]'),
        ("response", "phase: detected", "phase: detection"),
        ("diagnosis", "kind: prometheus", "kind: promethius"),
        ("communication", "kind: initial", "kind: first"),
        ("verification", "times: 5", "times: 0"),
        ("review", "status: planned", "status: open"),
    ],
)
def test_an_editor_sees_the_same_mistake(chapter: str, old: str, new: str) -> None:
    text = (HERE / "base" / f"{chapter}.yaml").read_text("utf-8")
    assert old in text
    assert accepts(chapter, value_of(text.encode()))
    assert not accepts(chapter, value_of(text.replace(old, new).encode()))


@pytest.mark.parametrize(
    ("chapter", "entry"),
    [
        ("manual", "incident_types: {security: {dns: DNS}}"),
        ("manual", "incident_types: {security: {dns: {name: {ko: 도메인, en: DNS}}}}"),
        ("team", "people: {kim: {name: Kim, contacts: [email:k@example.com]}}"),
        ("team", "people: {kim: {name: Kim, contacts: [{channel: sms, to: '010'}]}}"),
        ("services", "recovery_order: {1: Data, 2: {name: Search, what: [{ko: 검색, en: A}]}}"),
        ("response", "checklists: {a: {name: A, phase: detected, items: [B, {text: C}]}}"),
        ("communication", "audiences: {a: {name: A, side: internal, destinations: [in_app]}}"),
        ("playbook", "steps: [Look, {kind: wait, name: Wait, duration: 1m}]"),
    ],
)
def test_short_and_long_forms_are_accepted(chapter: str, entry: str) -> None:
    key, value = next(iter(yaml.safe_load(entry).items()))
    part = {**schema(chapter), "required": []}
    written = value_of(yaml.safe_dump({key: value}).encode())
    assert [e.message for e in Draft202012Validator(part).iter_errors(written)] == []


def test_every_key_is_explained_to_whoever_writes(manual: object) -> None:
    told = schemas()["response"]["$defs"]["Commander"]["properties"]
    assert told["deputies"]["description"] == "who is paged when no holder answers"
