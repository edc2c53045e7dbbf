"""Messages written from templates, with the variables of their kind and no others."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from bongsu.i18n import translator
from bongsu.manual.load import load
from bongsu.manual.schema.communication import MessageTemplate
from bongsu.manual.schema.document import Manual
from bongsu.manual.templates import (
    VARIABLES,
    Kind,
    RenderError,
    faults,
    render_template,
    render_text,
    samples,
)


def test_the_first_users_notification_is_sent_as_it_stands(seed: Manual) -> None:
    text = render_template(
        seed,
        "incident_notification",
        {
            "severity": "P0",
            "description": "API 응답 없음",
            "services": "korea-backend",
            "oncall_engineer": "Backend-A",
            "war_room_link": "https://meet.google.com/war-room",
            "status_page_link": "https://status.korea-public-data.com",
        },
    )
    assert text == (
        "🚨 **INCIDENT ALERT** 🚨\n\n"
        "**Severity**: P0\n"
        "**Description**: API 응답 없음\n"
        "**Affected Services**: korea-backend\n"
        "**On-Call Engineer**: Backend-A\n\n"
        "War Room: https://meet.google.com/war-room\n"
        "Status Page: https://status.korea-public-data.com\n\n"
        "@here Please join the war room if you're part of the response team.\n"
    )


def test_every_template_of_the_first_user_is_written_without_any_value(seed: Manual) -> None:
    for name in seed.communication.templates:
        assert "{{" not in render_template(seed, name, {})


def test_what_is_not_known_yet_reads_as_being_confirmed(manual: Manual) -> None:
    known = {"organisation": "Shop", "cause": None}
    assert "3. Cause: being confirmed" in render_template(manual, "public", known)
    assert "3. Cause: 확인 중" in render_template(manual, "public", known, lang="ko")


@pytest.mark.parametrize(
    ("name", "told"), [("검색", "검색이"), ("로그인 서버", "로그인 서버가"), (None, "확인 중이")]
)
def test_korean_particles_follow_the_last_sound(name: str | None, told: str) -> None:
    assert render_text("{{ services | josa('이/가') }}", {"services": name}, "ko") == told


def test_lists_of_a_review_are_empty_until_they_are_filled(manual: Manual) -> None:
    text = render_text(manual.texts["postmortem.md"], {"title": "Outage"}, "en", "review")
    assert text.startswith("# Review: Outage\n")
    assert "None" not in text


def test_a_label_that_an_alert_does_not_have_is_empty_in_its_title() -> None:
    title = "{{ alertname }} {{ labels.instance }}"
    values = {"alertname": "Down", "labels": {"job": "api"}}
    assert render_text(title, values, "en", "title") == "Down "


def test_an_unknown_variable_is_found_with_its_line() -> None:
    (fault,) = faults("{{ severity }}\n{% if drill %}{{ sevrity }}{% endif %}\n", "alert")
    assert (fault.line, fault.variable) == (2, "sevrity")


def test_a_fault_in_an_expression_is_found_with_its_line() -> None:
    (fault,) = faults("\n\n{{ title + 1 }}", "alert")
    assert fault.line == 3
    assert "TypeError" in fault.error


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{{ title.__init__.__globals__ }}",
    ],
)
def test_a_template_reaches_nothing_but_its_variables(source: str) -> None:
    assert faults(source, "alert")
    with pytest.raises(RenderError):
        render_text(source, samples("alert"), "en", "alert")


def test_a_value_is_not_itself_a_template() -> None:
    assert render_text("{{ title }}", {"title": "{{ severity }}"}, "en") == "{{ severity }}"


def test_a_template_that_fails_says_which_one(manual: Manual) -> None:
    with pytest.raises(RenderError, match="no template 'nope'"):
        render_template(manual, "nope", {})


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_variable_of_a_kind_can_be_written(kind: Kind) -> None:
    for name in samples(kind):
        assert faults(f"{{{{ {name} }}}}", kind) == []


def test_every_kind_of_template_in_the_manual_has_variables() -> None:
    kinds = get_args(MessageTemplate.model_fields["kind"].annotation)
    assert set(kinds) < set(get_args(Kind))


def test_every_variable_is_explained_in_both_languages() -> None:
    for variable in VARIABLES:
        assert translator("ko")(variable.means) != variable.means


def test_a_changed_text_is_written_at_once(folder: Path) -> None:
    before = load(folder)
    file = folder / "templates" / "team_update.md"
    file.write_text("now {{ severity }}", "utf-8")
    after = load(folder)
    assert render_template(after, "update", {"severity": "P1"}) == "now P1"
    assert render_template(before, "update", {}).startswith("*Update*")
