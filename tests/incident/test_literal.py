"""What a signal says stays words in a notice: no link, image or heading comes out of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.incident.manuals import severity
from tests.incident.world import World

from bongsu.channels.markdown import parser
from bongsu.incident import events as e
from bongsu.incident.literal import clean, literal

WORDS = {"inline", "paragraph_open", "paragraph_close", "text", "softbreak"}
HOSTILE = "[Log in again](https://evil.example/login) ![x](https://evil.example/pixel)"

markup = st.text(st.sampled_from("[]()<>!*_`~#=-+.1:&;|\\/ \n\rax가\x01\u1fef\u2028"), max_size=40)


def kinds(text: str) -> set[str]:
    tokens = parser().parse(text)
    return {t.type for t in tokens} | {c.type for t in tokens for c in t.children or ()}


def words(text: str) -> str:
    return "".join(
        "\n" if c.type == "softbreak" else c.content
        for t in parser().parse(text)
        for c in t.children or ()
    )


@given(markup, st.sampled_from(["{}", "X {} Y", "[X]{}", "[X{}", "{}(y)"]))
@example("]\x01(evil)", "[x{}")
@example("\u1fefcode\u1fef", "{}")
@example("a\n1. x", "{}")
@example("<xmpp:evil>", "{}")
@example("a  \nb", "{}")
@example(" \r", "X {} Y")
def test_nothing_in_a_value_becomes_markup(said, around):
    found = kinds(around.format(literal(said)))
    assert found <= WORDS | {"code_block"}


@given(st.text(st.sampled_from("[]()<>!*_`~#=-+.1:&;|\\/ ax가"), min_size=1, max_size=40))
def test_a_value_reads_as_it_was_said(said):
    assert words("X" + literal("x" + said.strip())) == "Xx" + said.strip()


@pytest.mark.parametrize(
    "said",
    [
        "[FIRING:1] BackendDown disk_full (critical)",
        "https://grafana.example.com/d/a_b?x=1&y=2#frag",
        "CPU > 90% & rising, 3.5 s, -5 °C, #1234",
        "API가 응답하지 않습니다!",
    ],
)
def test_ordinary_words_stay_as_they_are(said):
    assert literal(said) == clean(said) == said


def announced(**opened: Any) -> str:
    announce = {"template": "incident_notification", "to": "#a", "when": "opened"}
    text = "*{{ title }}*\n{{ description }} / {{ services }}"
    spec = severity("P0", announce=[announce])
    world = World(spec.model_copy(update={"texts": {"templates/incident_notification.md": text}}))
    world.at("0:00").opens("P0", **opened)
    return world.bodies(e.NoticeDue)[0].text


@pytest.mark.parametrize("where", ["title", "description", "service"])
def test_an_alert_puts_no_link_into_the_teams_own_announcement(where):
    text = announced(**{where: HOSTILE})
    page = parser().render(text)
    assert "<img" not in page
    assert ">Log in again</a>" not in page
    assert "[Log in again]" in page


def test_a_notice_never_shows_an_image_not_even_its_own():
    assert "<img" not in parser().render("![logo](https://example.com/logo.png)")
