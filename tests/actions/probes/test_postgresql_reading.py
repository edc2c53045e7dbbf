"""What takes PostgreSQL minutes or years to come to, read from rows as it gives them."""

from __future__ import annotations

from typing import Any

import pytest

from bongsu.actions.probes.postgresql.reading import Answers
from bongsu.incident.report import Finding
from bongsu.manual.schema.diagnosis import DatabaseProbe

PROBE = DatabaseProbe(kind="postgresql", dsn_env="X")
SERVER = {
    "version": "16.1", "max_connections": 100, "reserved": 3, "synchronous_standbys": "",
    "transaction_age": 1000, "deadlocks": 0,
}  # fmt: skip


def findings(server: dict[str, Any] | None = None, **rows: Any) -> dict[str, Finding]:
    answers = Answers({"server": [{**SERVER, **(server or {})}], **rows}, PROBE)
    return {one.code: one for one in answers.findings()}


def busy(state: str, **more: Any) -> dict[str, Any]:
    row = {"pid": 7, "application": "shop", "state": state, "waits_for": "", "query": "SELECT 1"}
    return {**row, "runs_s": 0.0, "idle_s": 0.0, **more}


def replica(**more: Any) -> dict[str, Any]:
    row = {"replica": "r1", "state": "streaming", "sync_state": "async"}
    return {**row, "lag_s": 0.1, "lag_bytes": 0.0, **more}


def test_a_transaction_left_open_for_long_is_found_and_a_short_one_is_not():
    long, short = busy("idle in transaction", idle_s=300.0), busy("idle in transaction", idle_s=5.0)
    assert findings(busy=[short]) == {}
    found = findings(busy=[long, short])["postgresql_idle_in_transaction"]
    assert (
        found.says.says("en") == "1 open transactions do nothing, the oldest for 5 min 00 s (shop)"
    )


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (replica(), None),
        (replica(lag_s=120.0, lag_bytes=5e6), "postgresql_replication_lag"),
        (replica(state="catchup"), "postgresql_replica_catching_up"),
        (replica(lag_s=None), None),
    ],
)
def test_replicas_are_judged_by_state_and_lag(row: dict[str, Any], code: str | None):
    assert set(findings(replicas=[row])) == ({code} if code else set())


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        ({"active": True, "wal_status": "reserved"}, set()),
        ({"active": False, "wal_status": "reserved"}, {"postgresql_replica_gone"}),
        ({"active": False, "wal_status": "lost"}, {"postgresql_replication_broken"}),
    ],
)
def test_slots_tell_of_replicas_that_are_gone(row: dict[str, Any], codes: set[str]):
    assert (
        set(findings(slots=[{"slot": "s", "kind": "physical", "kept_bytes": 1e6, **row}])) == codes
    )


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        ({"status": "streaming", "lag_s": 1.0}, set()),
        ({"status": "streaming", "lag_s": 90.0}, {"postgresql_replication_lag"}),
        ({"status": None, "lag_s": 0.0}, {"postgresql_replication_broken"}),
        ({"status": None, "lag_s": 0.0, "follows": False}, set()),
        ({"status": "streaming", "lag_s": 0.0, "paused": True}, {"postgresql_replay_paused"}),
    ],
)
def test_a_replica_judges_itself(row: dict[str, Any], codes: set[str]):
    whole = {"received": "0/1", "replayed": "0/1", "since_s": 3.0, "follows": True, "paused": False}
    assert set(findings(receiving=[{**whole, **row}])) == codes


def test_deadlocks_are_worth_knowing_and_a_near_wraparound_is_trouble():
    found = findings({"deadlocks": 4, "transaction_age": 1_900_000_000})
    assert found["postgresql_deadlocks"].verdict == "healthy"
    assert found["postgresql_wraparound_near"].verdict == "degraded"
