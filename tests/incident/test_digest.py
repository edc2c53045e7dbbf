"""A report in a few lines: the most telling of it, bounded, and only words."""

from __future__ import annotations

import msgspec
import pytest
from tests.incident.manuals import manual
from tests.incident.world import START
from tests.web.made_reports import finding, full

from bongsu.channels.markdown import parse
from bongsu.channels.message import Message
from bongsu.channels.slack.blocks import compose
from bongsu.engine.reporter import in_short
from bongsu.i18n import translator
from bongsu.incident.alert import Remark
from bongsu.incident.digest import LONGEST_LINE, again, digest
from bongsu.incident.report import Report

MANUAL = manual()


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_it_says_what_is_wrong_what_changed_what_to_do_and_what_was_not_seen(lang: str) -> None:
    title, lines = digest(full(START), MANUAL, translator(lang))
    text = "\n".join(lines)
    assert title
    assert lines[0].startswith("✕ https://api.korea-public-data.com/health: 503")
    for part in ("P1", "v1.2.3 → v1.2.4", "pool exhausted", "restart-backend", "redis"):
        assert part in text
    assert "root cause" not in text


def test_ten_thousand_findings_are_five_lines_and_a_number() -> None:
    _, lines = digest(full(START, findings=10_000), MANUAL, translator("en"))
    assert sum(line.startswith("✕") for line in lines) <= 5
    assert "9,997 more" in lines
    assert len(lines) < 20


def test_nothing_found_is_said_and_not_taken_for_health_where_nobody_could_look() -> None:
    report = msgspec.structs.replace(full(START), findings=())
    _, lines = digest(report, MANUAL, translator("en"))
    assert lines[0] == "No check that could look found anything wrong."
    assert lines[-1].startswith("Could not look: redis")


def test_a_report_made_again_says_only_what_has_moved() -> None:
    report = full(START)
    before = in_short(1, report)
    title, lines = again(report, before, MANUAL, translator("en"))
    assert title.startswith("Looked again: 2 of 4 checks")
    assert lines == ("Nothing has moved since the last report.",)
    mended = [msgspec.structs.replace(one, verdict="healthy") for one in report.checks[:1]]
    other = msgspec.structs.replace(report, checks=(*mended, *report.checks[1:]), findings=())
    _, lines = again(other, before, MANUAL, translator("en"))
    assert len(lines) == 1
    assert lines[0].startswith("✓ ")
    assert lines[0].endswith(": unhealthy → healthy")
    _, lines = again(report, in_short(2, other), MANUAL, translator("en"))
    assert lines[0].startswith("✕ ")
    assert "healthy → unhealthy · https://api.korea-public-data.com/health: 503" in lines[0]


def hostile() -> Report:
    text = "[click](https://evil.example) <!channel> **x**\n# big " + "长" * 5_000
    said = msgspec.structs.replace(finding("x", ""), says=Remark("{text}", {"text": text}))
    return msgspec.structs.replace(full(START), findings=(said,) * 50)


def test_what_a_system_says_stays_words_and_fits_a_line() -> None:
    found = digest(hostile(), MANUAL, translator("en"))
    assert all(len(line) <= LONGEST_LINE and "\n" not in line for line in found.lines)
    tree = parse(found.markdown())
    kinds = {node.type for node in tree.walk()}
    assert not kinds & {"heading", "image", "code_inline"}
    links = [str(node.attrs["href"]) for node in tree.walk() if node.type == "link"]
    words = found.markdown()
    assert all(address in words for address in links)  # an address shows itself, nothing else


def test_slack_takes_it_whatever_is_in_it() -> None:
    message = Message(
        kind="notice", delivery_id="1/r1", incident_id="1", incident_number="INC-1", title="x",
        severity="P0", started_at=START, thread="C012345:1.2",
        text=digest(hostile(), MANUAL, translator("ko")).markdown(),
    )  # fmt: skip
    composed = compose(message, "buttons")
    assert len(composed.blocks) <= 50
    for block in composed.blocks:
        text = block.get("text")
        assert text is None or len(text["text"]) <= 3000
        assert "<!channel>" not in str(block)
