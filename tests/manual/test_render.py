"""The printed manual has everything, in the order of the document, and fetches nothing."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from bongsu.manual.load import from_document, to_document
from bongsu.manual.render import Format, render
from bongsu.manual.schema.base import Lang, Text
from bongsu.manual.schema.document import Manual

CHAPTERS = [
    "장애 대응 개요",
    "장애 분류 체계",
    "대응 조직 구성",
    "장애 대응 절차",
    "장애 유형별 대응",
    "커뮤니케이션 계획",
    "복구 전략",
    "사후 분석 (Post-Mortem)",
    "참고 자료",
    "업데이트 이력",
]
EVERY_WAY = pytest.mark.parametrize(
    ("lang", "form"), [(lang, form) for lang in get_args(Lang) for form in get_args(Format)]
)
GITHUB = MarkdownIt("commonmark", {"html": True}).enable("table")


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def visible(text: str, form: Format) -> str:
    """Return what a reader sees, white space aside."""
    html = text if form == "html" else GITHUB.render(text)
    return " ".join(soup(html).get_text(" ").split()).replace(" ", "")


def squeezed(text: Text, lang: Lang) -> str:
    return (
        BeautifulSoup(GITHUB.renderInline(text.in_(lang)), "html.parser")
        .get_text()
        .replace(" ", "")
    )


def headings(html: str, level: str) -> list[str]:
    return [h.get_text() for h in soup(html).find_all(level) if h.find_parent("nav") is None]


def test_the_chapters_follow_the_order_of_the_document(seed: Manual) -> None:
    assert headings(render(seed, "ko", "html"), "h2") == CHAPTERS
    page = soup(GITHUB.render(render(seed, "ko", "md")))
    assert [h.get_text() for h in page.find_all("h2")] == ["목차", *CHAPTERS]


@EVERY_WAY
def test_nothing_that_a_reader_needs_is_missing(seed: Manual, lang: Lang, form: Format) -> None:
    shown = visible(render(seed, lang, form), form)
    names: list[Text] = [
        *seed.overview.principles,
        *(s.means for s in seed.overview.severities.values()),
        *(k.name for kinds in seed.overview.incident_types.values() for k in kinds.values()),
        *(role.name for role in seed.team.roles.values()),
        *(duty for role in seed.team.roles.values() for duty in role.duties),
        *(service.name for service in seed.services.services.values()),
        *(tier.name for tier in seed.services.recovery_order.values()),
        *(phase.name for phase in seed.response.phases),
        *(item.text for c in seed.response.checklists.values() for item in c.items),
        *(check.name for check in seed.diagnosis.checks.values()),
        *(text for rule in seed.diagnosis.rules for text in rule.next),
        *(book.name for book in seed.playbooks.values()),
        *(step.name for book in seed.playbooks.values() for step in book.steps),
        *(a.name for a in seed.communication.audiences.values()),
        *(t.name for t in seed.communication.templates.values()),
        *(check.criterion for check in seed.verification.smoke.values()),
        *(check.criterion for check in seed.verification.performance.values()),
        *(check.criterion for check in seed.verification.monitoring.values()),
        *(item.item for items in seed.review.improvements.values() for item in items.values()),
        *(revision.changes for revision in seed.overview.history),
    ]
    assert seed.obligations is not None
    for duty in seed.obligations.duties.values():
        names += [duty.name, duty.trigger, duty.to, duty.question]
    assert [text.en for text in names if squeezed(text, lang) not in shown] == []
    people = [person.name for person in seed.team.people.values()]
    laws = [duty.law for duty in seed.obligations.duties.values()]
    assert [x for x in people + laws if x.replace(" ", "") not in shown] == []


@EVERY_WAY
def test_commands_conditions_and_message_texts_are_shown_as_they_are(
    seed: Manual, lang: Lang, form: Format
) -> None:
    shown = visible(render(seed, lang, form), form)
    for text in (
        "kubectl get pods -n korea-prod",
        "kubectl -n korea-prod rollout undo deployment/korea-backend --to-revision={{ revision }}",
        "bongsu address drop {{ malicious_address }}",
        "PUT http://backend.korea-prod.svc:8080/admin/read-only",
        """configmap api-config --type=merge --patch '{"data":{"circuit_breaker":"true"}}'""",
        "severity in ['P0', 'P1'] && users_affected > 0.5",
        'alertname=~"(?i).*(ddos|syn.?flood|request.?flood).*"',
        "**Affected Services**: {{services}}",
        "현재 Korea Public Data 서비스에 일시적인 장애가 발생하여 접속이 어려우실 수 있습니다.",
        "{% for entry in timeline or [] %}",
    ):
        assert text.replace(" ", "") in shown, text


@EVERY_WAY
def test_rendering_twice_gives_the_same_text(seed: Manual, lang: Lang, form: Format) -> None:
    assert render(seed, lang, form) == render(seed, lang, form)


def test_no_fixed_text_of_the_korean_manual_is_left_in_english(seed: Manual) -> None:
    html = soup(render(seed, "ko", "html"))
    fixed = html.find_all(["h2", "th", "dt", "figcaption"])
    labels = {cell["data-label"] for cell in html.find_all("td")}
    labels |= {tag.get_text() for tag in fixed if tag.find_parent("tbody") is None}
    english = {label for label in labels if not re.search("[가-힣]", str(label))}
    assert {str(label).split()[0] for label in english} <= {"P0", "P1", "P2", "P3"}


def test_durations_are_said_in_words_and_legal_ones_in_hours(seed: Manual) -> None:
    korean, english = render(seed, "ko", "md"), render(seed, "en", "md")
    assert "| **P1** | High | 핵심 기능 장애 | 로그인 불가, 검색 오류 | 2시간 |" in korean
    assert "1분 30초" in korean
    assert "1 minute 30 seconds" in english
    assert "| 72시간 |" in korean
    assert "| 30일 |" in korean
    assert "| 지체 없이 |" in korean
    assert "| 1 week |" in english


def test_legal_duties_are_marked_as_no_advice_and_the_unsure_ones_as_unconfirmed(
    seed: Manual,
) -> None:
    assert "법률 자문이 아닙니다" in render(seed, "ko", "html")
    english = render(seed, "en", "md")
    assert "This is no legal advice." in english
    assert seed.obligations is not None
    unsure = [duty for duty in seed.obligations.duties.values() if duty.unconfirmed]
    assert english.count("**unconfirmed**") == len(unsure)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lang", get_args(Lang))
def test_the_page_fetches_nothing_and_runs_nothing(seed: Manual, lang: Lang) -> None:
    html = render(seed, lang, "html")
    page = soup(html)
    assert page.find(["script", "img", "link", "iframe", "object", "embed", "use", "image"]) is None
    assert not page.find_all(src=True)
    assert not re.search(r"@import|url\(", html)
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert policy is not None
    assert "default-src 'none'" in str(policy["content"])
    for anchor in page.find_all("a", href=True):
        assert str(anchor["href"]).startswith(("#", "https://", "mailto:"))


@pytest.mark.parametrize("lang", get_args(Lang))
def test_every_entry_of_the_contents_leads_to_one_heading(seed: Manual, lang: Lang) -> None:
    page = soup(render(seed, lang, "html"))
    ids = [str(tag["id"]) for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = [str(a["href"])[1:] for a in page.select("nav a")]
    assert len(links) > len(CHAPTERS)
    assert set(links) <= set(ids)


def test_the_page_names_its_language_and_its_drawings_say_what_they_show(seed: Manual) -> None:
    page = soup(render(seed, "en", "html"))
    root = page.find("html")
    assert root is not None
    assert root["lang"] == "en"
    drawings = page.find_all("svg")
    assert len(drawings) == 2 + 4 + 2  # the tree, four escalations, the calendar; two in two widths
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert drawing["aria-label"]
        description = drawing.find("desc")
        assert description is not None
        assert len(description.get_text()) > 20


# ── Markdown ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lang", get_args(Lang))
def test_every_row_of_a_table_has_as_many_cells_as_its_head(seed: Manual, lang: Lang) -> None:
    page = soup(GITHUB.render(render(seed, lang, "md")))
    tables = page.find_all("table")
    assert len(tables) > 30
    for table in tables:
        width = len(table.find_all("th"))
        for row in table.select("tbody tr"):
            assert len(row.find_all("td")) == width
    # A line that looks like a table's, but is none, would be read as a paragraph.
    assert not [p for p in page.find_all("p") if p.get_text().lstrip().startswith("|")]


def test_the_contents_link_to_the_headings_as_github_names_them(seed: Manual) -> None:
    markdown = render(seed, "ko", "md")
    assert "- [사후 분석 (Post-Mortem)](#사후-분석-post-mortem)" in markdown


@pytest.mark.parametrize("lang", get_args(Lang))
def test_organisation_escalation_and_rotation_are_mermaid_diagrams(
    seed: Manual, lang: Lang
) -> None:
    diagrams = re.findall(r"```mermaid\n(\w+.*)\n", render(seed, lang, "md"))
    assert diagrams == ["graph TD", "gantt", *["sequenceDiagram"] * 4]


# ── manuals that are not the seed ────────────────────────────────────────────────────────


@EVERY_WAY
def test_a_small_manual_is_printed_too(manual: Manual, lang: Lang, form: Format) -> None:
    assert manual.overview.name in render(manual, lang, form)


@EVERY_WAY
def test_a_manual_without_its_optional_chapters_is_printed(
    seed: Manual, lang: Lang, form: Format
) -> None:
    fields = {"diagnosis", "playbooks", "verification", "obligations", "review", "texts"}
    bare = Manual.model_validate(seed.model_dump(by_alias=True, exclude=fields))
    assert "Korea Public Data" in render(bare, lang, form)


HOSTILE = (
    '<script>alert(1)</script> ![x](https://evil.example/x.png) [x](javascript:alert(1)) "|` <b>'
)


def poisoned(value: Any) -> Any:
    """Put hostile text into every text of a manual, and into every name of a person."""
    if isinstance(value, dict):
        if value.keys() == {"ko", "en"}:
            return {"ko": HOSTILE, "en": HOSTILE}
        return {
            key: HOSTILE if key in ("owner", "phone", "author", "reason") else poisoned(item)
            for key, item in value.items()
        }
    return [poisoned(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def hostile(seed: Manual) -> Manual:
    """Give a manual whose every text tries to break out of its place."""
    import json

    document = poisoned(json.loads(to_document(seed)))
    for service in document["services"]["services"].values():
        service["owner"] = None
    document["overview"]["name"] = HOSTILE
    for person in document["team"]["people"].values():
        person["name"] = HOSTILE
        person["email"] = "x)<script>@example.com"
    document["team"]["links"]["others"] = {HOSTILE: "javascript:alert(1)"}
    document["texts"] = dict.fromkeys(document["texts"], f"```\n{HOSTILE}\n</code></pre>\n~~~")
    return from_document(json.dumps(document))


@pytest.mark.parametrize("lang", get_args(Lang))
def test_hostile_texts_stay_texts_in_html(hostile: Manual, lang: Lang) -> None:
    html = render(hostile, lang, "html")
    page = soup(html)
    assert page.find(["script", "img", "b"]) is None
    assert len(page.find_all("section")) == len(CHAPTERS)
    assert not [a for a in page.find_all("a") if "javascript" in str(a["href"]).lower()]
    assert "&lt;script&gt;alert(1)" in html


@pytest.mark.parametrize("lang", get_args(Lang))
def test_hostile_texts_stay_texts_in_markdown(hostile: Manual, lang: Lang) -> None:
    page = soup(GITHUB.render(render(hostile, lang, "md")))
    assert page.find(["script", "b", "img"]) is None
    assert [h.get_text() for h in page.find_all("h2")][1:] == [
        h.get_text() for h in soup(render(hostile, lang, "html")).select("section > h2")
    ]
    for table in page.find_all("table"):
        width = len(table.find_all("th"))
        assert all(len(row.find_all("td")) == width for row in table.select("tbody tr"))
