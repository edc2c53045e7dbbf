"""Markdown becomes Slack's markup; nothing that an alert says becomes markup or a mention."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channels.messages import SEED_TEMPLATE, a_notice, a_page
from tests.channels.slack.standin import SlackStandIn, form_trouble, parsed_texts

from bongsu.channels.message import Links, Message, mentions_of
from bongsu.channels.slack import SlackChannel
from bongsu.channels.slack.blocks import Answers, compose
from bongsu.channels.slack.mrkdwn import escape, split, to_mrkdwn
from bongsu.channels.text import width

ZW = "\u200b"


def converted(text: str) -> str:
    return "\n\n".join(to_mrkdwn(text))


def body_of(message: Message, answers: Answers = "buttons") -> dict[str, object]:
    composed = compose(message, answers)
    return {"blocks": composed.blocks, "text": composed.text}


@pytest.mark.parametrize(
    ("markdown", "slack"),
    [
        ("**굵게**", "*굵게*"),
        ("*기울임* _too_", "_기울임_ _too_"),
        ("~~지움~~", "~지움~"),
        ("`kubectl get pods`", "`kubectl get pods`"),
        ("# 제목 **안**", "*제목 안*"),
        ("- 하나\n- 둘\n  - 셋", "• 하나\n• 둘\n    • 셋"),
        ("3. 셋\n4. 넷", "3. 셋\n4. 넷"),
        ("> 인용\n> 둘째 줄", "> 인용\n> 둘째 줄"),
        ("```\na < b\n```", "```\na &lt; b\n```"),
        (
            "[상황실](https://meet.example.com/a?b=1&c=2)",
            "<https://meet.example.com/a?b=1&amp;c=2|상황실>",
        ),
        ("https://status.example.com에서 봐요.", "<https://status.example.com>에서 봐요."),
        ("(https://e.com/a_(b)) 끝", "(<https://e.com/a_(b)>) 끝"),
        ("<https://e.com>", "<https://e.com>"),
        ("https://e.com/x" + ")" * 5_000, "<https://e.com/x>" + ")" * 5_000),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("첫째 줄\n둘째 줄\n\n새 문단", "첫째 줄\n둘째 줄\n\n새 문단"),
        ("**첫째\n둘째**", "*첫째*\n*둘째*"),
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("**장애**가 **발생**", f"*장애*{ZW}가 *발생*"),
        ("AT&amp;T", "AT&amp;T"),
        ("korea_backend_pod 2*3*4", f"korea_backend_pod 2{ZW}_3_{ZW}4"),
        (r"\*별\* \_밑줄\_", f"*{ZW}별* _{ZW}밑줄_"),
        ("---", "———"),
        ("<b>굵게</b>", "&lt;b&gt;굵게&lt;/b&gt;"),
    ],
)
def test_markdown_reads_the_same_in_slack(markdown: str, slack: str) -> None:
    assert converted(markdown) == slack


async def test_the_seeds_notification_is_sent_as_it_stands(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.send(a_notice(), "#critical-alerts")
    text = slack.last["blocks"][0]["text"]["text"]
    assert text == (
        "🚨 *INCIDENT ALERT* 🚨\n\n"
        "*Severity*: P0 Critical\n"
        "*Description*: 데이터베이스 연결이 끊겼습니다\n"
        "*Affected Services*: 백엔드 API\n"
        "*On-Call Engineer*: 백엔드 A\n\n"
        "War Room: <https://meet.google.com/war-room>\n"
        "Status Page: <https://status.korea-public-data.com>\n\n"
        "<!here> Please join the war room if you're part of the response team."
    )
    assert slack.rung() == {"here"}


@pytest.mark.parametrize("hostile", ["@channel", "<!channel>", "<!everyone|x>", "<@U024BE7LH>"])
async def test_a_mention_in_an_alert_rings_nobody(
    hostile: str, slack: SlackStandIn, bot: SlackChannel, hook: SlackChannel
) -> None:
    await bot.send(a_notice(description=f"{hostile} 연결 끊김"), "#critical-alerts")
    await hook.send(a_page(title=hostile, description=hostile, why=hostile), "#critical-alerts")
    await bot.send(a_page(service_name=hostile, type_name=hostile), "#critical-alerts")
    await bot.send(a_page(kind="update", text=hostile), "#critical-alerts")
    assert slack.rung() == {"here"}


async def test_a_here_in_an_alert_rings_nobody_where_the_template_has_none(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.send(
        a_notice("장애: {{description}}", description="@here 보세요"), "#critical-alerts"
    )
    assert "@here 보세요" in slack.words()
    assert slack.rung() == set()


@pytest.mark.parametrize(
    ("template", "found"),
    [
        (SEED_TEMPLATE, ("here",)),
        ("{{ '@channel' }} {# @everyone #} {% if x %}@here{% endif %}", ("here",)),
        ("메일은 team@here.example.com 으로", ()),
        ("@here은 모두, @channel!", ("here", "channel")),
        ("@hereabouts @here-now", ()),
    ],
)
def test_only_the_templates_own_words_are_mentions(template: str, found: tuple[str, ...]) -> None:
    assert mentions_of(template) == found


def test_a_mention_in_code_stays_code() -> None:
    assert to_mrkdwn("`@here`", ["here"]) == ["`@here`"]


def test_ten_thousand_characters_are_shortened_with_a_link_to_the_whole() -> None:
    page = a_page(description="가" * 10_000)
    shown = str(body_of(page))
    assert form_trouble(body_of(page)) == ""
    assert "…" in shown
    assert "<https://bongsu.example.com/incidents/01K2|전체 내용 보기>" in shown


def test_the_deadline_stands_above_a_long_description() -> None:
    blocks = compose(a_page(description="줄\n" * 5_000), "buttons").blocks
    texts = [str(block) for block in blocks]
    deadline = next(i for i, text in enumerate(texts) if "14:35 (KST)까지" in text)
    assert sum(map(len, texts[:deadline])) < 1_000


def test_a_long_notice_takes_several_sections_and_then_a_link() -> None:
    notice = a_notice("**머리**\n\n{{description}}\n\n끝", description="문장입니다. " * 1_000)
    body = body_of(notice)
    assert form_trouble(body) == ""
    assert "끝" in str(compose(notice, "none").blocks[-2])
    longer = body_of(a_notice("{{description}}", description="문장입니다. " * 5_000))
    assert form_trouble(longer) == ""
    assert "전체 내용 보기" in str(longer)


def test_a_long_code_block_is_code_in_every_section() -> None:
    sections = list(split(to_mrkdwn("```\n" + "log line\n" * 1_000 + "```")[0], 3_000))
    assert len(sections) > 2
    assert all(part.startswith("```") and part.endswith("```") for part in sections)
    assert all(width(part) <= 3_000 for part in sections)


def test_links_of_any_length_and_kind_are_survived() -> None:
    links = Links("x" * 5_000, "javascript:alert(1)", "https://e.com/" + "y" * 5_000)
    body = body_of(a_page(links=links))
    assert form_trouble(body) == ""
    assert "href" not in str(body)


hostile_text = st.text(st.sampled_from(list("*_~`<>!@&|#[]()\\ \n-=가a1:/.🔥\u200b\x00\r'\"")))
names = st.text() | hostile_text


@settings(max_examples=300)
@given(text=names, title=names)
def test_no_text_makes_a_message_that_slack_refuses_or_that_rings(text: str, title: str) -> None:
    for message in (
        a_page(title=title, description=text * 30, why=text, service_name=title),
        a_notice("{{description}}", description=text),
    ):
        body = body_of(message)
        assert form_trouble(body) == ""
        parsed = "\n".join(parsed_texts(body))
        assert not re.search(r"<[!@#]", parsed)


@given(st.text(max_size=400), st.integers(min_value=60, max_value=200))
def test_a_cut_never_goes_through_an_escape_and_loses_nothing(text: str, limit: int) -> None:
    escaped = escape(text.replace("```", ""))
    parts = list(split(escaped, limit))
    assert "".join(parts) == escaped
    assert all(width(part) <= limit for part in parts)
    assert not any(re.search(r"&(?:a|am|amp|l|lt|g|gt)?\Z", part) for part in parts)
