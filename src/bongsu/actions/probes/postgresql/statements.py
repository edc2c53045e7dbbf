"""What PostgreSQL is asked; every statement works from version 13 on and reads only."""

from __future__ import annotations

from typing import Any

OURSELVES = "bongsu diagnose"

Rows = dict[str, list[dict[str, Any]] | str]
"""by the statement's name: its rows, or why there are none"""

SERVER = """
SELECT current_setting('server_version') AS version,
       current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       current_setting('synchronous_standby_names') AS synchronous_standbys,
       (SELECT max(age(datfrozenxid)) FROM pg_database) AS transaction_age,
       (SELECT sum(deadlocks)::bigint FROM pg_stat_database) AS deadlocks,
       (SELECT min(stats_reset) FROM pg_stat_database WHERE deadlocks > 0) AS deadlocks_since,
       now() - pg_postmaster_start_time() AS up
"""

CONNECTIONS = """
SELECT coalesce(nullif(application_name, ''), '-') AS application,
       coalesce(usename, '-') AS "user",
       coalesce(state, 'not visible to us') AS state,
       count(*)::int AS connections
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY 1, 2, 3
ORDER BY connections DESC, 1, 2, 3
"""

BUSY = """
SELECT pid, coalesce(nullif(application_name, ''), '-') AS application, state,
       coalesce(wait_event_type, '') AS waits_for,
       extract(epoch FROM clock_timestamp() - query_start)::float AS runs_s,
       extract(epoch FROM clock_timestamp() - state_change)::float AS idle_s,
       left(query, 2000) AS query
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'
ORDER BY query_start
LIMIT 200
"""

# A wait is told once for each session that holds it up; `root` is one that waits for nobody itself.
WAITS = """
WITH waits AS (
  SELECT a.pid, unnest(pg_blocking_pids(a.pid)) AS blocker,
         extract(epoch FROM clock_timestamp() - a.query_start)::float AS waits_s,
         left(a.query, 2000) AS query
  FROM pg_stat_activity a
  WHERE a.wait_event_type = 'Lock' AND a.pid <> pg_backend_pid()
)
SELECT w.pid, w.waits_s, w.query, w.blocker,
       coalesce(b.state, 'prepared transaction') AS blocker_state,
       coalesce(nullif(b.application_name, ''), '-') AS blocker_application,
       extract(epoch FROM clock_timestamp() - b.xact_start)::float AS blocker_transaction_s,
       left(b.query, 2000) AS blocker_query,
       NOT EXISTS (SELECT FROM waits r WHERE r.pid = w.blocker) AS root
FROM waits w LEFT JOIN pg_stat_activity b ON b.pid = w.blocker
ORDER BY root DESC, w.waits_s DESC
LIMIT 200
"""

REPLICAS = """
SELECT coalesce(nullif(application_name, ''), host(client_addr), '-') AS replica,
       coalesce(state, 'not visible to us') AS state, coalesce(sync_state, '') AS sync_state,
       extract(epoch FROM replay_lag)::float AS lag_s,
       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float AS lag_bytes
FROM pg_stat_replication
WHERE application_name <> 'pg_basebackup'
ORDER BY 1
"""

SLOTS = """
SELECT slot_name AS slot, slot_type AS kind, active, coalesce(wal_status, '') AS wal_status,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::float AS kept_bytes
FROM pg_replication_slots
WHERE NOT temporary
ORDER BY 1
"""

# Without new transactions on the primary the time since the last one grows by itself, so that lag
# counts only where something received is not yet replayed.
RECEIVING = """
SELECT (SELECT status FROM pg_stat_wal_receiver) AS status,
       pg_last_wal_receive_lsn()::text AS received, pg_last_wal_replay_lsn()::text AS replayed,
       CASE WHEN pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
            THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float
            ELSE 0 END AS lag_s,
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float AS since_s,
       coalesce(current_setting('primary_conninfo', true), '') <> '' AS follows,
       pg_is_wal_replay_paused() AS paused
"""


def of(*, replica: bool) -> dict[str, str]:
    """Return what is asked of a primary, or of a replica, by name."""
    asked = {"server": SERVER, "connections": CONNECTIONS, "busy": BUSY, "waits": WAITS}
    if replica:
        return {**asked, "receiving": RECEIVING}
    return {**asked, "replicas": REPLICAS, "slots": SLOTS}
