"""The log in words, as people read it."""

from __future__ import annotations

from tests.incident.manuals import manual
from tests.incident.world import START, World

from bongsu.i18n import translator
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.timeline import Entry, timeline

MANUAL = manual()


def read(world: World, lang: str = "ko") -> list[Entry]:
    return list(timeline(world.log, MANUAL, translator(lang)))


def one(body: e.AnyBody, lang: str = "ko", actor: str = e.SYSTEM) -> Entry:
    return next(timeline([e.Event(1, START, actor, body)], MANUAL, translator(lang)))


def a_night(world: World) -> None:
    world.breaks(channel="email", error="450 나중에 다시")
    world.at("0:00").opens("P0", title="API 중단", alerts=3)
    world.skip_to("1:08").writes(
        *commands.acknowledge(world.incident, "backend-a", "slack"), by="person:backend-a"
    )
    world.at("3:08").expects(paged="pm")


KOREAN = """\
P0 장애 접수: API 중단
알림 3건 추가, 현재 3건 발생 중 (BackendDown)
Backend-A 호출 | 매뉴얼에 따라 1차 (24/7 On-Call)을 가장 먼저 호출
발송: Backend-A, Slack @backend-a | 첫 번째 연락처
발송 완료: Backend-A, Slack @backend-a
발송: Backend-A, 이메일 backend-a@company.com | 다음 연락처
발송 실패: Backend-A, 이메일 backend-a@company.com — 450 나중에 다시
발송(2번째 시도): Backend-A, 이메일 backend-a@company.com | 오류 뒤 다시 시도: 450 나중에 다시
발송 실패: Backend-A, 이메일 backend-a@company.com — 450 나중에 다시
발송(3번째 시도): Backend-A, 이메일 backend-a@company.com | 오류 뒤 다시 시도: 450 나중에 다시
발송 실패: Backend-A, 이메일 backend-a@company.com — 450 나중에 다시
Backend-A가 호출 확인 (Slack)
목표 시간 초과: 진위 확인 2분
실제 장애로 간주 | 제시간에 진위를 알린 사람이 없음
장애 지휘자 역할을 맡을 PM 호출 | 장애 지휘자 역할이 필요함
발송: PM, Slack @pm | 첫 번째 연락처
공지 작성: Slack #critical-alerts | 매뉴얼에 따라 실제 장애로 확인되면 팀에 알림
발송: Slack #critical-alerts | 작성한 공지를 보냄"""

ENGLISH = """\
Incident opened as P0: API 중단
+3 alerts; 3 are firing (BackendDown)
Backend-A is called | the manual calls primary (24/7 On-Call) first
Sending: Backend-A, Slack @backend-a | their first contact
Delivered: Backend-A, Slack @backend-a
Sending: Backend-A, Email backend-a@company.com | their next contact
Not delivered: Backend-A, Email backend-a@company.com: 450 나중에 다시
Sending, attempt 2: Backend-A, Email backend-a@company.com | tried again after: 450 나중에 다시
Not delivered: Backend-A, Email backend-a@company.com: 450 나중에 다시
Sending, attempt 3: Backend-A, Email backend-a@company.com | tried again after: 450 나중에 다시
Not delivered: Backend-A, Email backend-a@company.com: 450 나중에 다시
Backend-A acknowledged (Slack)
Target missed: verification within 2 min
Treated as real | nobody said in time whether it is real
PM is called for the role Incident Commander | Incident Commander is needed
Sending: PM, Slack @pm | their first contact
Notice to Slack #critical-alerts | the manual tells the team once an incident is real
Sending: Slack #critical-alerts | a notice was written"""


def lines(world: World, lang: str) -> list[str]:
    return [" | ".join(part for part in (v.text, v.why) if part) for v in read(world, lang)]


def test_a_night_reads_well_in_korean(world: World):
    a_night(world)

    assert lines(world, "ko") == KOREAN.splitlines()


def test_a_night_reads_well_in_english(world: World):
    a_night(world)

    assert lines(world, "en") == ENGLISH.splitlines()


def test_each_line_says_who_did_it():
    assert one(e.NoteAdded("x"), actor="person:pm").actor == "PM"
    assert one(e.NoteAdded("x"), actor="person:ghost").actor == "ghost"
    assert one(e.NoteAdded("x"), actor="integration:prometheus").actor == "Prometheus"
    assert one(e.NoteAdded("x")).actor == ""


def test_each_line_has_a_tone_and_a_kind():
    entry = one(e.Relapsed(e.Reason("alerts_back", {"firing": "2"})))

    assert (entry.tone, entry.kind) == ("trouble", "relapsed")
    assert entry.why == "알림 2건이 다시 울림"


def test_the_end_of_a_snooze_is_told_in_local_time():
    assert one(e.Snoozed(START, "점검 중")).text == "2025-08-14 14:30 (KST)까지 호출 보류: 점검 중"


def test_a_role_that_is_handed_over_names_both():
    body = e.RoleAssigned("incident_commander", "senior-dev", "pm")

    assert one(body).text == "장애 지휘자 역할 인계: PM → Senior Dev"
    assert one(body, "en").text == "Senior Dev takes over the role Incident Commander from PM"


def test_a_checklist_item_is_read_by_its_words():
    assert one(e.ChecklistTicked("first_look", 1)).text == "완료: 파드 상태 확인"
    assert one(e.ChecklistTicked("first_look", 1, done=False)).text == "완료 취소: 파드 상태 확인"
    assert one(e.ChecklistTicked("first_look", 9)).text == "완료: first_look:9"


def test_a_type_is_read_by_its_name_and_none_is_a_dash():
    assert one(e.TypeChanged("server_down")).text == "장애 유형: 서버 다운"
    assert one(e.TypeChanged("earthquake")).text == "장애 유형: earthquake"
    assert one(e.TypeChanged(None)).text == "장애 유형: -"


def test_large_numbers_have_separators():
    assert one(e.AlertsAdded(1234, 51234)).text == "알림 1,234건 추가, 현재 51,234건 발생 중"


def test_a_missed_target_is_told_in_words():
    assert one(e.ClockBreached("recovery", START, 5400)).text == "목표 시간 초과: 복구 1시간 30분"
    assert one(e.ClockBreached("recovery", START, 1e300)).text.startswith("목표 시간 초과: 복구 ")


def test_a_delivery_whose_beginning_is_not_in_the_log_is_still_named():
    assert one(e.Delivered("p1.1/0/1")).text == "발송 완료: p1.1/0/1"


def test_braces_in_what_somebody_wrote_are_only_braces(world: World):
    world.at("0:00").opens("P0", title="{person} {0} {{x}}").expects(paged="backend-a")

    assert read(world)[0].text == "P0 장애 접수: {person} {0} {{x}}"


def test_a_run_that_is_taken_back_is_not_said_to_be_stopped_and_a_reason_is_said_once():
    assert one(r.RunStopping("r1", undo=True), "en").text == "“r1” is to be taken back"
    assert one(r.RunStopping("r1", undo=False), "en").text == "“r1” is being stopped"
    missing = e.Reason("runner_missing", {"runner": "edge", "playbook": "scale", "step": "1"})
    needed = one(r.PersonNeeded("r1", 0, missing), "en")
    assert (needed.text, "edge" in needed.why) == ("“r1” needs a person", True)
