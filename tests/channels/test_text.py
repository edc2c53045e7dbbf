"""What a message says, in words that every channel shares."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.channels.messages import a_notice, a_page

from bongsu.channels.message import Action, Links
from bongsu.channels.slack.blocks import Answers, compose
from bongsu.channels.text import fit, moment, one_line, render, render_page, subject, width
from bongsu.incident.literal import clean


def test_a_page_reads_from_the_top_what_to_know_and_what_to_do() -> None:
    assert render_page(a_page()) == (
        "[P0 Critical] 데이터베이스 장애 (INC-20250814-01)",
        "[P0 Critical] 데이터베이스 장애\n\n"
        "connection refused: mongodb:27017\n\n"
        "장애 대상: 백엔드 API · 데이터베이스 장애\n"
        "발생 시각: 2025-08-14 14:30 (KST)\n"
        "단계: " + _phase("ko") + "\n\n"
        "김서연 님, 2025-08-14 14:35 (KST)까지 확인해 주십시오. "
        "그때까지 응답이 없으면 다음 담당자를 호출합니다.\n\n"
        "확인: https://bongsu.example.com/go/ack-token\n"
        "오탐: https://bongsu.example.com/go/dismiss-token\n"
        "장애 화면: https://bongsu.example.com/incidents/01K2\n"
        "상황실: https://meet.google.com/war-room\n"
        "상태 페이지: https://status.korea-public-data.com\n\n"
        "이유: 매뉴얼은 1차 당직을 먼저 호출합니다\n\n"
        "INC-20250814-01",
    )


APPROVAL = (
    Action("approve", "승인", "01K2:r7/1", "https://bongsu.example.com/go/approve-token"),
    Action("refuse", "거절", "01K2:r7/1", "https://bongsu.example.com/go/refuse-token"),
)


def test_a_lock_screen_tells_a_call_for_a_yes_from_a_page_and_a_mailbox_keeps_both_together() -> (
    None
):
    asked = a_page(actions=APPROVAL, text="조치서 “롤백” 4단계 중 2단계")
    found, text = render_page(asked)
    assert text.startswith("[승인 요청] [P0 Critical] 데이터베이스 장애\n\n조치서 “롤백”")
    assert found == render_page(a_page())[0]


@pytest.mark.parametrize("answers", ["buttons", "links", "none"])
def test_what_slack_notifies_of_says_that_a_yes_is_wanted(answers: Answers) -> None:
    composed = compose(a_page(actions=APPROVAL), answers)
    assert composed.text.startswith("[승인 요청]")
    assert "승인하거나 거절해 주십시오" in composed.text
    assert ("approve-token" in composed.text) == (answers == "links")
    assert "[승인 요청]" in str(composed.blocks[0])


def _phase(lang: str) -> str:
    from bongsu.channels.text import phase_name

    return phase_name("detected", lang)


def test_a_page_for_a_role_says_which_role_to_take() -> None:
    page = a_page(role="Incident Commander", lang="en")
    assert "take the role Incident Commander by 2025-08-14 14:35 (KST)" in render_page(page)[1]


def test_a_page_in_english_is_english_throughout() -> None:
    page = a_page(
        lang="en", title="DB down", type_name="Database failure", service_name="Backend API",
        why="the manual calls primary first", person=None, actions=(),
    )  # fmt: skip
    subject_, text = render_page(page)
    assert (subject_ + text).isascii() or not any("가" <= c <= "힣" for c in subject_ + text)


def test_a_drill_says_so_first_in_subject_and_text() -> None:
    for message in (a_page(drill=True), msgspec.structs.replace(a_notice(), drill=True)):
        subject_, text = render(message)
        assert subject_.startswith("[훈련] ")
        assert text.startswith("[훈련]")
    assert render(a_page(drill=True, lang="en"))[0].startswith("[DRILL] ")


def test_a_notice_is_its_template_and_nothing_else() -> None:
    assert render(a_notice())[1].startswith("🚨 **INCIDENT ALERT** 🚨")
    assert "장애 화면" not in render(a_notice())[1]


def test_an_update_says_first_what_has_changed() -> None:
    text = render(a_page(kind="update", text="김서연 님이 확인했습니다", answer_by=None))[1]
    assert text.splitlines()[2] == "김서연 님이 확인했습니다"
    assert "호출합니다." not in text


def test_a_description_that_only_repeats_the_title_is_not_said_twice() -> None:
    text = render(a_page(description=" 데이터베이스  장애 ", type_name="", type=""))[1]
    assert text.count("데이터베이스") == 1


def test_a_long_description_comes_whole_but_after_everything_to_act_on() -> None:
    text = render(a_page(description="가나다 " * 3_000))[1]
    assert text.index("ack-token") < 700
    assert text.endswith("가나다")
    assert text.count("가나다") > 3_000


def test_a_text_of_megabytes_is_cut_before_it_costs_time() -> None:
    page = a_page(title="가" * 5_000_000, description="나" * 5_000_000, why="다" * 5_000_000)
    subject_, text = render(page)
    assert width(subject_) <= 160
    assert width(text) < 65_000
    notice = msgspec.structs.replace(a_notice(), text="라" * 5_000_000)
    assert width(render(notice)[1]) == 20_000


def test_the_subject_keeps_the_number_however_long_the_title() -> None:
    found = subject(a_page(title="긴 제목 " * 100))
    assert width(found) <= 160
    assert found.endswith("… (INC-20250814-01)")


def test_a_subject_that_the_template_names_is_taken() -> None:
    assert subject(a_page(subject="서비스 장애 안내\r\n", drill=True)) == "[훈련] 서비스 장애 안내"


def test_links_that_are_not_known_are_left_out() -> None:
    text = render(a_page(links=Links(others=(("대시보드", "https://grafana.example.com"),))))[1]
    assert "상황실" not in text
    assert "대시보드: https://grafana.example.com" in text


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Seoul", "2025-08-14 14:35 (KST)"),
        ("America/New_York", "2025-08-14 01:35 (EDT)"),
        ("Asia/Nowhere", "2025-08-14 05:35 (UTC)"),
        ("../../etc/passwd", "2025-08-14 05:35 (UTC)"),
        ("", "2025-08-14 05:35 (UTC)"),
    ],
)
def test_times_are_the_readers_and_an_unknown_zone_costs_no_page(zone: str, shown: str) -> None:
    page = a_page(timezone=zone)
    assert page.answer_by is not None
    assert moment(page.answer_by, zone) == shown
    assert shown in render(page)[1]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31m빨강\x07", "[31m빨강"),
        ("\u202eabc\u2066", "abc"),
        ("\ud800", "?"),
        ("한", "한"),
    ],
)
def test_text_of_an_alert_can_not_steer_a_terminal_or_turn_the_reading(
    raw: str, shown: str
) -> None:
    assert clean(raw) == shown


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    found = one_line(text)
    assert len(found.splitlines()) <= 1
    assert one_line(found) == found


@given(st.text(), st.integers(min_value=1, max_value=60))
def test_what_is_shortened_fits_and_is_the_beginning(text: str, limit: int) -> None:
    found = fit(text, limit)
    assert width(found) <= limit
    assert found == text or text.startswith(found.removesuffix("…"))


def test_a_notice_without_markup_shows_no_escapes() -> None:
    notice = a_notice(r"**[P0]** \[a\]\(b) disk\_ C:\dir")
    assert render(notice)[1] == r"**[P0]** [a](b) disk_ C:\dir"
