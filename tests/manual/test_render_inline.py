"""What a manual's values become in Markdown: exactly their characters, whatever these are."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bongsu.manual.render import inline
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema.document import Manual

GITHUB = MarkdownIt("commonmark", {"html": True}).enable("table")
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


class Reader(HTMLParser):
    """Collects the text and the tags of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", []
        self.feed(html)
        self.close()

    tags: list[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS)
@example("# heading")
@example("1. one")
@example("- [ ] a")
@example("--- ")
@example("a **b** `c` <d> &amp; [e](f) ~~g~~ \\h")
def test_a_plain_value_is_read_as_its_own_characters(text: str) -> None:
    item = Reader(GITHUB.render(f"- {inline.plain(text)}"))
    assert item.tags[:2] == ["ul", "li"]
    assert item.tags[2:] == []
    assert item.text.strip("\n") == inline.one_line(text)


@given(TEXTS)
@example("``")
@example("`a`` b`")
def test_code_is_read_as_its_own_characters(text: str) -> None:
    read = Reader(GITHUB.renderInline(inline.code(text)))
    line = inline.one_line(text)
    assert read.text == (line or inline.NONE)
    assert read.tags == (["code"] if line else [])


@given(TEXTS)
def test_a_drawing_shows_a_plain_value_as_it_is(text: str) -> None:
    assert inline.bare(inline.plain(text)) == inline.one_line(text)


def test_a_text_keeps_its_emphasis_and_loses_its_tags() -> None:
    read = Reader(GITHUB.renderInline(inline.markdown("**a** <script>b</script> `<c>`")))
    assert read.tags == ["strong", "code"]
    assert read.text == "a <script>b</script> <c>"


@given(TEXTS, TEXTS)
@example("a `", "<script>`")
@example("\\", "`<b>`")
def test_two_texts_side_by_side_never_become_a_tag_of_html(one: str, other: str) -> None:
    both = f"{inline.markdown(one)} {inline.markdown(other)}"
    assert not {"html_inline", "html_block", "image"} & kinds(both)


def kinds(markdown: str) -> set[str]:
    """Name the kinds of everything in a piece of Markdown."""
    blocks = GITHUB.parse(markdown)
    return {token.type for block in blocks for token in [block, *(block.children or [])]}


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://meet.google.com/war-room", True),
        ("mailto:pm@company.com", True),
        ("javascript:alert(1)", False),
        ("#critical-alerts", False),
        ("env:SECURITY_WEBHOOK", False),
    ],
)
def test_only_web_and_mail_addresses_become_links(url: str, linked: bool) -> None:
    read = Reader(GITHUB.renderInline(inline.link(url)))
    assert read.tags == (["a"] if linked else [])
    assert read.text == url.removeprefix("mailto:")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.kr/x) [y](z",
        "https://a.kr/<b>",
        "https://a.kr/a b",
        "https://a.kr/`",
        "https://a.kr/|\\",
    ],
)
def test_no_character_of_an_address_ends_its_link(url: str) -> None:
    read = Reader(GITHUB.renderInline(inline.link(url)))
    assert read.tags == ["a"]
    assert read.text == url


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["kubectl", "scale", "--replicas={{ n }}"], "kubectl scale --replicas={{ n }}"),
        (["echo", "a b"], "echo 'a b'"),
        (["echo", "{{ n }} b"], "echo '{{ n }} b'"),
        (["python", "-c", "print('x')"], """python -c 'print('"'"'x'"'"')'"""),
    ],
)
def test_a_command_is_quoted_where_it_needs_it(argv: list[str], line: str) -> None:
    assert inline.command(argv) == line


@pytest.mark.parametrize(
    ("value", "ko", "en"),
    [
        (timedelta(minutes=30), "30분", "30 minutes"),
        (timedelta(minutes=1), "1분", "1 minute"),
        (timedelta(hours=1, minutes=30), "1시간 30분", "1 hour 30 minutes"),
        (timedelta(days=1), "1일", "1 day"),
        (timedelta(weeks=1), "1주", "1 week"),
        (timedelta(days=8), "8일", "8 days"),
        (timedelta(), "0분", "0 minutes"),
    ],
)
def test_a_duration_is_said_in_words(seed: Manual, value: timedelta, ko: str, en: str) -> None:
    assert Edition(seed, "ko").duration(value) == ko
    assert Edition(seed, "en").duration(value) == en


def test_a_reference_that_leads_nowhere_is_shown_by_its_id(seed: Manual) -> None:
    edition = Edition(seed, "ko")
    assert edition.target("person:nobody") == "nobody"
    assert edition.target("rotation:none/primary") == "none/primary"
    assert edition.role("no_such_role") == r"no\_such\_role"
    assert edition.service("gone") == "gone"
