"""The statement that keeps signals and their alerts, and says which alerts it changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bongsu.store.alert_queue import Batch
from bongsu.store.alert_rows import SEPARATOR
from bongsu.store.alerts import statement_number
from bongsu.store.signals import KEPT_BYTES

# A signal changes an alert unless it says what is known already: the same status, "acknowledged"
# of a resolved alert, or "firing" of an acknowledged one (which stays acknowledged).
_SAME = """(a.status = new.status OR a.status = 'resolved' AND new.status = 'acknowledged'
    OR a.status = 'acknowledged' AND new.status = 'firing' AND a.generation > 0)"""

_WRITE = """
WITH kept AS (
    INSERT INTO signals (received_at, integration, format, outcome, size, refusals, raw)
    SELECT $1, s.* FROM unnest($12::text[], $13::text[], $14::text[], $15::int[], $16::text[],
        $17::bytea[]) AS s
), written AS (
    INSERT INTO alerts AS a (id, last_seen, ends_at, count, changed_in, generation, look_at,
        pending, first_seen, starts_at, status, integration, key, summary, labels, details)
    SELECT id, $1, to_timestamp(ends), coalesce(n, 1), $2,
        CASE WHEN status = 'firing' THEN 1 ELSE 0 END, $1, true, $1,
        coalesce(to_timestamp(starts), $1), status, integration, key, coalesce(summary, ''),
        labels, details
    FROM unnest(<3>::uuid[], <4>, <5>, <6>, <7>, <8>, <9>, $10::float8[], $11::float8[], $18::int[])
        AS s(id, integration, key, status, summary, labels, details, starts, ends, n)
    ON CONFLICT (id) DO UPDATE SET
        last_seen = new.last_seen,
        count = a.count + new.count,
        ends_at = CASE WHEN a.status = 'resolved' AND new.status <> 'firing'
            THEN a.ends_at ELSE new.ends_at END,
        changed_in = CASE WHEN <same> THEN a.changed_in ELSE new.changed_in END,
        pending = CASE WHEN <same> THEN a.pending ELSE true END,
        look_at = CASE WHEN <same> OR a.pending THEN a.look_at ELSE new.look_at END,
        status = CASE WHEN <same> THEN a.status ELSE new.status END,
        generation = CASE WHEN <same> OR new.status <> 'firing'
            THEN a.generation ELSE a.generation + 1 END,
        starts_at = CASE WHEN <same> OR new.status <> 'firing'
            THEN a.starts_at ELSE new.starts_at END,
        summary = CASE WHEN new.status = 'firing' THEN new.summary ELSE a.summary END,
        labels = CASE WHEN new.status = 'firing' THEN new.labels ELSE a.labels END,
        details = CASE WHEN new.status = 'firing' THEN new.details ELSE a.details END
    RETURNING id, generation, first_seen, starts_at, changed_in
)
SELECT id, generation, first_seen, starts_at FROM written WHERE changed_in = $2"""
WRITE = re.sub(
    r"<(\d)>",
    r"string_to_array($\1, E'\\x1f')",
    _WRITE.replace("<same>", _SAME).replace("new.", "excluded."),
)


def arguments(batch: Batch, at: datetime) -> list[object]:
    """Turn rows into the statement's columns, in the order in which every replica locks them.

    Texts go as one text a column, to be taken apart in the database: a driver encodes one long
    text in a fraction of the time that it needs for many short ones.
    """
    rows = batch.rows
    columns: Sequence[Sequence[Any]] = (
        list(zip(*[rows[key] for key in sorted(rows)], strict=True)) if rows else [()] * 10
    )
    texts = map(SEPARATOR.join, columns[:7])
    starts, ends, times = columns[7:10]
    signals = [
        (s.integration, s.format, s.outcome, len(s.raw), s.refusals, s.raw[:KEPT_BYTES])
        for part in batch.parts
        if (s := part.signal) is not None
    ]
    kept = zip(*signals, strict=True) if signals else [()] * 6
    counts = None if sum(times) == len(rows) else times  # mostly, each row stands for one signal
    return [at, statement_number(), *texts, starts, ends, *kept, counts]
