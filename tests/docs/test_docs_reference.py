"""The reference pages say what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from bongsu.manual.load import load
from bongsu.manual.schema.base import format_duration
from bongsu.store.migrate import migrations

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
VARIABLE = re.compile(r"BONGSU_[A-Z][A-Z_]*[A-Z]")
SHOWN_AS_MISTAKES = {"BONGSU_SLACK_TOKEN"}
"""named in a docstring as what somebody might write by mistake"""


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("writer", ["reference_pages", "incident_reference"])
def test_the_written_pages_are_current(writer: str):
    for name, text in script(writer).pages().items():
        assert (REFERENCE / name).read_text("utf-8") == text, f"run scripts/{writer}.py: {name}"


def test_the_page_of_the_manual_has_every_chapter_and_every_key_with_a_type():
    page = (REFERENCE / "manual.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ", page, re.MULTILINE)
    assert {"escalation", "routes", "contacts", "handoff", "deputies"} <= {key for key, _ in rows}
    assert [key for key, kind in rows if kind in ("", "any value", "mapping", "object")] == []


def test_the_page_of_the_database_has_every_table():
    page = (REFERENCE / "database.md").read_text("utf-8")
    tables = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE)
    made = {name for step in migrations() for name in tables.findall(step.sql)}
    assert {"events", "incidents", "effects"} <= made
    assert set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == made


def test_every_variable_of_the_source_is_documented_and_none_is_invented():
    sources = [path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")]
    used = {name for text in sources for name in VARIABLE.findall(text)} - SHOWN_AS_MISTAKES
    prefixes = {"BONGSU_SLACK", "BONGSU_SMTP", "BONGSU_MAIL"}
    documented = set(VARIABLE.findall((REFERENCE / "configuration.md").read_text("utf-8")))
    assert documented == used - prefixes


def test_the_other_documents_name_no_variable_that_does_not_exist():
    known = set(VARIABLE.findall((REFERENCE / "configuration.md").read_text("utf-8")))
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        assert set(VARIABLE.findall(path.read_text("utf-8"))) <= known, path


def test_the_escalation_that_the_documents_show_is_the_bundled_manuals():
    manual = load(ROOT / "manuals" / "korea-public-data")
    policy = manual.respond("P0")
    page = (ROOT / "docs" / "explanation" / "escalation.md").read_text("utf-8")
    shown = re.findall(r"^\| (\d+[smh]) \| `([a-z_:/]+)` \|$", page, re.MULTILINE)
    steps = [(format_duration(step.after), *step.page) for step in policy.escalation]
    assert shown == steps
    assert policy.repeat is not None
    again = f"| {format_duration(policy.repeat.every)} | the first one again"
    assert again in page
    assert policy.repeat.times == "forever"
