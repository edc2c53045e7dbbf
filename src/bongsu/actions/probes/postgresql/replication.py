"""What PostgreSQL says of replication, seen from the primary and from a replica."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bongsu.actions.probes.outcome import found, said, seconds
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding

MIB = 1024 * 1024
Row = dict[str, Any]


def replicas(rows: Sequence[Row], synchronous: str, lag_over_s: float) -> Iterator[Finding]:
    """Judge what a primary knows of its replicas.

    A replica that is gone leaves no row; its slot (`slots`) or its absence from the synchronous
    ones tells of it.
    """
    for row in rows:
        yield from _replica(row, lag_over_s)
    if synchronous and not any(row["sync_state"] in ("sync", "quorum") for row in rows):
        text = N_("commits wait for a synchronous replica ({names}), and none is connected")
        says = said(text, names=synchronous)
        yield found("postgresql_synchronous_replica_missing", "unhealthy", says, weight=1.0)


def _replica(row: Row, lag_over_s: float) -> Iterator[Finding]:
    subject = f"replica/{row['replica']}"
    lag_s, lag_bytes = row["lag_s"] or 0.0, row["lag_bytes"] or 0.0
    evidence = Evidence(numbers={"lag_s": round(lag_s, 3), "lag_bytes": lag_bytes})
    if row["state"] in ("startup", "catchup", "stopping"):
        text = N_("replica {replica} does not stream ({state})")
        says = said(text, replica=row["replica"], state=row["state"])
        yield found(
            "postgresql_replica_catching_up", "degraded", says, subject=subject, evidence=evidence
        )
    elif lag_s > lag_over_s:
        text = N_("replica {replica} is {lag} behind ({mib} MiB)")
        says = said(text, replica=row["replica"], lag=seconds(lag_s), mib=round(lag_bytes / MIB, 1))
        yield found(
            "postgresql_replication_lag", "degraded", says, weight=0.7, subject=subject,
            evidence=evidence,
        )  # fmt: skip


def slots(rows: Sequence[Row]) -> Iterator[Finding]:
    """Judge the slots: one that nobody reads is a replica that is gone, and fills the disk."""
    for row in rows:
        subject = f"slot/{row['slot']}"
        evidence = Evidence(numbers={"kept_bytes": row["kept_bytes"]})
        if row["wal_status"] == "lost":
            says = said(N_("replication slot {slot} is lost: its replica must be set up anew"),
                        slot=row["slot"])  # fmt: skip
            yield found(
                "postgresql_replication_broken", "unhealthy", says, weight=0.9, subject=subject,
                evidence=evidence,
            )  # fmt: skip
        elif not row["active"]:
            text = N_("nobody reads replication slot {slot}: its replica is gone ({mib} MiB kept)")
            says = said(text, slot=row["slot"], mib=round(row["kept_bytes"] / MIB, 1))
            yield found(
                "postgresql_replica_gone", "degraded", says, weight=0.7, subject=subject,
                evidence=evidence,
            )  # fmt: skip


def receiving(rows: Sequence[Row], lag_over_s: float) -> Iterator[Finding]:
    """Judge what a replica knows of itself."""
    for row in rows:
        evidence = Evidence(
            output=f"received {row['received']}, replayed {row['replayed']}",
            numbers={"lag_s": round(row["lag_s"] or 0.0, 3)},
        )
        if row["paused"]:
            says = said(N_("this replica's replay is paused"))
            yield found("postgresql_replay_paused", "degraded", says, evidence=evidence)
        if row["follows"] and row["status"] != "streaming":
            yield _receives_nothing(row, evidence)
        elif (row["lag_s"] or 0.0) > lag_over_s:
            says = said(N_("this replica is {lag} behind"), lag=seconds(row["lag_s"]))
            yield found(
                "postgresql_replication_lag", "degraded", says, weight=0.7, evidence=evidence
            )


def _receives_nothing(row: Row, evidence: Evidence) -> Finding:
    text = N_("this replica receives nothing from its primary (last transaction {since} ago)")
    since = seconds(row["since_s"]) if row["since_s"] is not None else "?"
    says = said(text, since=since)
    code = "postgresql_replication_broken"
    return found(code, "unhealthy", says, weight=0.9, evidence=evidence)
