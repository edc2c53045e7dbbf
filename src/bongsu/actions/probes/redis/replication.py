"""What Redis says of replication, seen from the master and from a replica."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bongsu.actions.probes.outcome import found, said, seconds
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding


def findings(info: Mapping[str, Any], lag_over_s: float) -> Iterator[Finding]:
    """Judge the replication section of INFO."""
    if info.get("role") == "slave":
        yield from _follower(info, lag_over_s)
    for name, replica in info.items():
        if name.startswith("slave") and isinstance(replica, dict):
            yield from _followed(replica, lag_over_s)
    wanted = int(info.get("min_slaves_to_write", 0) or 0)
    good = int(info.get("min_slaves_good_slaves", wanted))
    if good < wanted:
        text = N_("{good} of the {wanted} replicas that it must have are there: writes are refused")
        yield found("redis_replicas_missing", "unhealthy", said(text, good=good, wanted=wanted),
                    weight=1.0)  # fmt: skip


def _follower(info: Mapping[str, Any], lag_over_s: float) -> Iterator[Finding]:
    master = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
    down_s = float(info.get("master_link_down_since_seconds", 0) or 0)
    silent_s = float(info.get("master_last_io_seconds_ago", 0) or 0)
    if info.get("master_sync_in_progress"):
        left = float(info.get("master_sync_left_bytes", 0) or 0)
        says = said(N_("this replica copies everything from its master {master}"), master=master)
        evidence = Evidence(numbers={"left_bytes": left})
        yield found("redis_replica_copying", "degraded", says, weight=0.7, evidence=evidence)
    elif info.get("master_link_status") != "up":
        evidence = Evidence(numbers={"down_s": down_s})
        says = _broken(master, down_s)
        yield found("redis_replication_link_down", "unhealthy", says, weight=0.9, subject=master,
                    evidence=evidence)  # fmt: skip
    elif silent_s > lag_over_s:
        text = N_("nothing came from the master {master} for {silent}")
        evidence = Evidence(numbers={"lag_s": silent_s})
        says = said(text, master=master, silent=seconds(silent_s))
        yield found("redis_replication_lag", "degraded", says, weight=0.7, subject=master,
                    evidence=evidence)  # fmt: skip


def _broken(master: str, down_s: float) -> Any:
    if down_s > 0:
        text = N_("the replication link to the master {master} is down for {since}")
        return said(text, master=master, since=seconds(down_s))
    return said(N_("the replication link to the master {master} is down"), master=master)


def _followed(replica: Mapping[str, Any], lag_over_s: float) -> Iterator[Finding]:
    subject = f"replica/{replica.get('ip', '?')}:{replica.get('port', '?')}"
    lag_s = float(replica.get("lag", 0) or 0)
    if replica.get("state") != "online":
        says = said(N_("{replica} is not online ({state})"), replica=subject,
                    state=replica.get("state", "?"))  # fmt: skip
        yield found("redis_replica_not_online", "degraded", says, subject=subject)
    elif lag_s > lag_over_s:
        says = said(N_("{replica} is {lag} behind"), replica=subject, lag=seconds(lag_s))
        evidence = Evidence(numbers={"lag_s": lag_s})
        yield found("redis_replication_lag", "degraded", says, weight=0.7, subject=subject,
                    evidence=evidence)  # fmt: skip
