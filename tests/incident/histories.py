"""Whole incidents as this release records them: `python -m tests.incident.histories v0.1`.

They are written once per release and kept: every later release must still read them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
from tests.incident.manuals import severity
from tests.incident.world import World

from bongsu.incident import commands as c
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident.runs.asking import answer, approve, stop
from bongsu.manual.load import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "fixtures" / "histories"
SEED = load(ROOT / "manuals" / "korea-public-data")


def backend_down() -> World:
    """From the alert at half past two to the review: the manual as it is meant."""
    w = World(SEED)
    w.breaks(channel="email", person="frontend-a", error="450 4.7.1 try again later")
    w.at("0:00").writes(
        e.Opened(
            "INC-20250814-143000-1", "KoreaBackendDown", "P0", w.start - timedelta(seconds=50),
            description="API가 응답하지 않습니다", service="korea-backend", manual=SEED.sha,
            group_key="KoreaBackendDown",
            why=e.Reason("signal", {"integration": "alertmanager", "route": "1"}),
        ),
        e.AlertsAdded(3, 3, "KoreaBackendDown"),
        by="integration:alertmanager",
    )  # fmt: skip
    w.skip_to("0:06").writes(
        e.Diagnosed(
            1, "unhealthy", findings=3, unknown=1, new_log_patterns=1, severity="P0",
            type="deployment_failure", took=5.02, codes=["rollout_stuck", "pod_crash_loop"],
            checks=["api_health=unhealthy", "rollout=unhealthy", "mongodb=unknown"],
        ),
        by="system",
    )  # fmt: skip
    w.skip_to("3:40").writes(
        *c.acknowledge(w.incident, "frontend-a", "slack"), by="person:frontend-a"
    )
    w.skip_to("4:10").writes(
        *c.change_type(w.incident, "server_down", SEED), by="person:frontend-a"
    )
    w.skip_to("4:30").writes(*c.tick(w.incident, SEED, "first_commands", 1), by="person:frontend-a")
    w.skip_to("4:40").writes(
        *c.confirm(w.incident, "frontend-a", "헬스 체크 실패"), by="person:frontend-a"
    )
    call = w.bodies(e.Paged)[-1].page
    w.skip_to("6:00").writes(*c.acknowledge(w.incident, "pm", "link", call), by="person:pm")
    w.skip_to("7:00").writes(
        *c.assign(w.incident, "technical_lead", "senior-dev", SEED), by="person:senior-dev"
    )
    w.skip_to("11:00").writes(*c.note("배포 v1.8.3 직후에 시작됨"), by="person:senior-dev")
    w.skip_to("14:00").writes(
        *c.start_recovery(w.incident, "senior-dev", "v1.8.2로 롤백"), by="person:senior-dev"
    )
    w.skip_to("21:30").writes(e.AlertsResolved(2, 1), by="integration:alertmanager")
    w.skip_to("22:00").writes(e.AlertsResolved(1, 0), by="integration:alertmanager")
    w.skip_to("38:00").writes(
        *c.resolve(SEED, w.incident, "pm", "v1.8.2로 롤백 완료"), by="person:pm"
    )
    w.skip_to("2d").writes(*c.review(w.incident, "연결 풀 모니터링 추가"), by="person:pm")
    return w


def false_alarm() -> World:
    """A probe that lied."""
    w = World(SEED)
    w.at("0:00").opens("P0", title="SyntheticLoginFailed", alerts=1)
    w.skip_to("0:40").acknowledges("backend-a")
    w.skip_to("1:50").writes(
        *c.dismiss(w.incident, "backend-a", "점검 스크립트 오류"), by="person:backend-a"
    )
    return w


def forgotten_p2() -> World:
    """Answered, forgotten, reminded of, snoozed over night, answered again, resolved."""
    w = World(SEED)
    w.at("0:00").opens("P2", title="SlowSearch", alerts=2, service="search")
    w.skip_to("5:00").acknowledges("backend-a")
    w.skip_to("21:00").writes(
        *c.retitle(w.incident, "검색이 느림", "p95 4초"), by="person:backend-a"
    )
    w.skip_to("22:00").snoozes("9h")
    w.skip_to("9:01:00").acknowledges("backend-a")
    w.skip_to("9:05:00").confirms("backend-a")
    w.skip_to("9:20:00").writes(*c.tick(w.incident, SEED, "first_look", 0), by="person:backend-a")
    w.skip_to("9:21:00").writes(
        *c.tick(w.incident, SEED, "first_look", 0, done=False), by="person:backend-a"
    )
    w.skip_to("9:40:00").recovers("backend-a")
    w.skip_to("10h").resolves("backend-a")
    return w


def storm() -> World:
    """Thousands of alerts, one incident, a severity that rises, another incident that joins."""
    w = World(SEED)
    w.at("0:00").opens(
        "P1", title="ApiErrors", alerts=1, type="api_timeout", service="korea-backend"
    )
    w.skip_to("0:03").writes(e.AlertsAdded(1234, 1235, "ApiErrors"), by="integration:alertmanager")
    raised = e.SeverityChanged("P0", "P1", why=e.Reason("alert_severity"))
    w.skip_to("0:09").writes(
        raised, e.AlertsAdded(48_000, 49_235, "Down"), by="integration:alertmanager"
    )
    skipped = e.DiagnosisSkipped(e.Reason("too_many_at_once"))
    w.skip_to("1:50").writes(skipped, by="system")
    w.skip_to("2:00").confirms("backend-a")
    w.skip_to("3:00").writes(e.Absorbed("41", 12, 12), by="person:backend-a")
    w.skip_to("15:00").recovers("backend-a")
    w.skip_to("16:00").writes(e.AlertsResolved(49_247, 0), by="integration:alertmanager")
    w.skip_to("32:00").resolves("backend-a")
    return w


def joined_another() -> World:
    """The incident that joined."""
    w = World(SEED)
    w.at("0:00").opens("P2", title="LoginErrors", alerts=12)
    w.skip_to("2:00").writes(e.MergedInto("40"), by="person:backend-a")
    return w


def every_channel_down() -> World:
    """Nobody can be reached; somebody is found by hand; the manual is mended in the middle."""
    w = World(
        severity("P0", escalation=[{"after": "0s", "page": ["rotation:main/night"]}, *_STEPS])
    )
    w.breaks(person="backend-a", permanent=True, error="invalid_auth")
    w.breaks(channel="slack", error="ratelimited", retry_after=30)
    w.at("0:00").opens("P0", title="DB 장애", alerts=1, type="database_failure", service="mongodb")
    w.skip_to("5:00").escalates("person:devops-b")
    w.skip_to("6:00").adopts(severity("P0"))
    w.mends()
    w.skip_to("6:30").escalates()
    w.skip_to("7:00").acknowledges("devops-b")
    w.skip_to("7:30").writes(*c.unacknowledge(w.incident), by="person:devops-b")
    w.skip_to("8:00").confirms("devops-b")
    w.skip_to("20:00").resolves("devops-b")
    return w


_STEPS = [
    {"after": "3m", "page": ["rotation:main/primary"]},
    {"after": "6m", "page": ["rotation:main/secondary"]},
]


def back_again() -> World:
    """It relapses while it is watched, ends, and fires again; roles change hands."""
    w = World(SEED)
    w.at("0:00").opens("P0", title="RedisDown", alerts=1, service="redis")
    w.skip_to("1:00").confirms("backend-a")
    w.skip_to("2:00").assigns("incident_commander", "pm")
    w.skip_to("9:00").clears()
    w.skip_to("12:00").fires()
    w.skip_to("12:40").acknowledges("backend-a")
    w.skip_to("14:00").assigns("incident_commander", "senior-dev")
    w.skip_to("15:00").releases("incident_commander")
    w.skip_to("16:00").assigns("incident_commander", "pm")
    w.skip_to("20:00").clears()
    w.skip_to("40:00").resolves("pm")
    again = e.Reopened(why=e.Reason("fired_again", {"within": "30m"}))
    w.skip_to("55:00").writes(
        again, e.AlertsAdded(1, 1, "RedisDown"), by="integration:alertmanager"
    )
    w.skip_to("58:30").acknowledges("frontend-a")
    w.skip_to("1:00:00").recovers("frontend-a").clears()
    w.skip_to("1:20:00").resolves("frontend-a")
    return w


def rolled_back() -> World:
    """A playbook waits for its lock, is approved, fails and is taken back; two more that rest."""
    w = World(SEED)
    w.at("0:00").opens("P0", title="BackendErrors", alerts=1, type="deployment_failure")
    w.skip_to("1:00").confirms("backend-a")
    scale = '{"kind":"command","name":"증설","argv":["scale"],"undo":["scale-back"]}'
    hand = '{"kind":"human","name":"서버 교체","instruction":"교체","approve":"technical_lead"}'
    look = '{"kind":"command","name":"확인","argv":["look"]}'
    steps = [
        r.PlannedStep(spec, {"ko": "단계", "en": "step"}, "mend") for spec in (scale, hand, look)
    ]
    why = e.Reason("playbook_automatic", {"playbook": "mend", "condition": "true"})
    busy = e.Reason("lock_taken", {"lock": "backend", "run": "r3", "incident": "7"})
    w.skip_to("2:00").writes(
        r.RunAsked("r1", "mend", steps, {"replicas": 10}, "backend", automatic=True, why=why)
    )
    w.runner.write(e.SYSTEM, [r.RunWaits("r1", w.runner.now + timedelta(seconds=5), busy)])
    w.skip_to("2:05").writes(r.RunStarted("r1"))
    w.skip_to("2:06").writes(r.StepEnded("r1", 0, "do", 1, "done", exit_code=0, took=0.8, output=1))
    manual, run = w.runner.manual, "r1"
    w.skip_to("3:00").writes(
        *approve(manual, w.incident, run, 1, "senior-dev", yes=True, now=w.runner.now),
        by="person:senior-dev",
    )
    w.skip_to("9:00").writes(
        *answer(w.incident, run, 1, "devops-a", said="done", note="교체함"), by="person:devops-a"
    )
    w.skip_to("9:01").writes(r.StepEnded(run, 2, "do", 1, "failed", exit_code=1, took=0.1))
    w.skip_to("9:02").writes(r.StepEnded(run, 0, "undo", 1, "done", exit_code=0, took=0.9))
    w.skip_to("10:00").writes(
        r.RunAsked("r2", "mend", steps[1:2], approve="technical_lead"), by="person:devops-a"
    )
    w.skip_to("45:00").writes(
        r.RunAsked("r3", "mend", steps[1:2]), r.RunStarted("r3"), by="person:devops-a"
    )
    missing = {"runner": "edge", "playbook": "mend", "step": "1"}
    w.runner.write(e.SYSTEM, [r.PersonNeeded("r3", 0, e.Reason("runner_missing", missing))])
    w.runner.write(e.SYSTEM, [r.StepTaken("r3", 0)])
    w.runner.write(e.SYSTEM, [*stop(w.incident, "r3", undo=False)])
    w.runner.write(e.SYSTEM, [r.RunAsked("r4", "mend", steps[:1], automatic=True)])
    w.runner.write(
        e.SYSTEM, [r.StartRefused("r4", e.Reason("automation_bound", {"times": "1", "per": "1h"}))]
    )
    w.skip_to("50:00").resolves("pm", "수동으로 확인함")
    return w


ALL: tuple[Callable[[], World], ...] = (
    backend_down, false_alarm, forgotten_p2, storm, joined_another, every_channel_down, back_again,
    rolled_back,
)  # fmt: skip


def record(release: str) -> None:
    """Write every history of this release."""
    folder = FOLDER / release
    folder.mkdir(parents=True)
    for live in ALL:
        world = live()
        lines = [msgspec.json.encode(event) + b"\n" for event in world.log]
        (folder / f"{live.__name__}.jsonl").write_bytes(b"".join(lines))


if __name__ == "__main__":
    record(sys.argv[1])
