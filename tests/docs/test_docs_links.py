"""Every link between the documents leads somewhere, and every document can be found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bongsu.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *DOCS]
COMMAND = re.compile(r"(?:^|[`( ])bongsu ([a-z]+)", re.MULTILINE)
BLOCK = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def test_every_link_between_the_documents_leads_somewhere():
    script = ROOT / "scripts" / "check_docs.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_index_leads_to_every_document():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    linked = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)", index)}
    assert [path for path in DOCS if path.resolve() not in linked and path.stem != "index"] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_shows_only_commands_that_exist(path: Path):
    blocks = "\n".join(BLOCK.findall(path.read_text("utf-8")))
    named = set(re.findall(r"^[ $]*(?:\S*/bin/)?bongsu ([a-z]+)", blocks, re.MULTILINE))
    assert named <= COMMANDS.keys()


def test_both_readmes_show_the_same_commands():
    korean, english = ((ROOT / name).read_text("utf-8") for name in ("README.ko.md", "README.md"))
    assert set(COMMAND.findall(korean)) & COMMANDS.keys() == set(COMMAND.findall(english)) & set(
        COMMANDS
    )
