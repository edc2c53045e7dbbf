"""The rows of steps: claimed before they begin, renewed while they go on, and waiting for a lock.

A claim's name is a new one for each attempt, so whoever did not hear whether he got it may ask
again. It ends in "+" where somebody had claimed the step before. What a step prints has its row by
then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from bongsu.engine import effects
from bongsu.engine.effects import Asked, Effect
from bongsu.incident import run_events as r

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

LOOK_AFTER = timedelta(seconds=15)
"""after which a step is looked after of which nothing was heard: its worker may be gone, and the
claim of one that is gone need not lapse"""

_MINE = "incident = $1 AND seq = $2 AND done_at IS NULL"
# While the database was down nobody could record what they had done: they get a moment for it.
CLAIM = f"""
WITH claimed AS (
    UPDATE effects SET claimed_at = clock_timestamp(), look_at = clock_timestamp() + $12::interval,
           claimed_by = CASE WHEN claimed_by IS NULL OR claimed_by = $3 THEN $3 ELSE $3 || '+' END
     WHERE {_MINE}
       AND (claimed_at IS NULL OR claimed_by IN ($3, $3 || '+', $11)
            OR claimed_at < clock_timestamp() - $4::interval
               AND pg_postmaster_start_time() < clock_timestamp() - interval '1.5 seconds')
    RETURNING claimed_by <> $3 AS again
), output AS (
    INSERT INTO step_outputs (incident, run, step, direction, attempt, began_at)
    SELECT $1, $5, $6, $7, $8, $9 FROM claimed WHERE $10 OR NOT again RETURNING id
)
SELECT again, (SELECT id FROM output) AS output FROM claimed
"""  # noqa: S608  constants
RENEW = f"""
UPDATE effects SET claimed_at = clock_timestamp(), look_at = clock_timestamp() + $4::interval
 WHERE {_MINE} AND claimed_by IN ($3, $3 || '+')
RETURNING EXISTS (
    SELECT FROM events WHERE incident = $1 AND seq > $2 AND kind = 'run_stopping'
       AND body ->> 'run' = $5 AND (body ->> 'at_once')::boolean) AS is_to_end
"""  # noqa: S608  constants
RELEASE = f"""
UPDATE effects SET claimed_at = '-infinity', look_at = clock_timestamp()
 WHERE {_MINE} AND claimed_by IN ($3, $3 || '+')
"""  # noqa: S608  constants
DONE = f"""
UPDATE effects SET done_at = clock_timestamp()
 WHERE {_MINE} AND claimed_by IN ($3, $3 || '+') RETURNING true
"""  # noqa: S608  constants
_LEFT = "(claimed_at IS NULL OR claimed_at < clock_timestamp() - $3::interval)"
NEVER = f"""
UPDATE effects SET done_at = clock_timestamp() WHERE {_MINE} AND {_LEFT}
RETURNING claimed_at IS NOT NULL AS was_begun
"""  # noqa: S608  constants
LEFT = f"SELECT true FROM effects WHERE {_MINE} AND {_LEFT}"  # noqa: S608  constants
HOLDER = f"SELECT claimed_by FROM effects WHERE {_MINE}"  # noqa: S608  constants
OPEN = f"SELECT true FROM effects WHERE {_MINE} FOR UPDATE"  # noqa: S608  constants
# It tries now and then by itself, for locks that an older release frees.
WAIT = f"""
UPDATE effects SET waits_for = $3, look_at = clock_timestamp() + interval '1 minute' WHERE {_MINE}
"""  # noqa: S608  constants
WAKE = """
WITH woken AS (
    UPDATE effects SET waits_for = NULL WHERE waits_for = ANY($1::text[]) AND done_at IS NULL
    RETURNING incident, seq)
SELECT incident, seq FROM woken JOIN events USING (incident, seq) ORDER BY events.at
"""
SINCE = "SELECT at FROM events WHERE incident = $1 AND seq = $2"


class StepClaim(NamedTuple):
    """The right to do a step, or to find out what became of it."""

    again: bool
    """whether somebody had claimed it before, and left it undone"""
    output: int | None
    """the id of what it prints, where it may be done"""


async def claim(  # noqa: PLR0917  a statement's arguments
    conn: PoolConnection, effect: Effect, name: str, lease: timedelta, due: r.StepDue,
    at: datetime, *, repeats: bool, gone: str = "",
) -> StepClaim | None:  # fmt: skip
    """Claim a step; None where another one has it or it is done.

    ``repeats`` is that it may be done again, whatever came of it. ``gone`` is a claim of which
    nothing is left.
    """
    row = await conn.fetchrow(
        CLAIM, *effect, name, lease, due.run, due.step, due.direction, due.attempt, at, repeats,
        gone, LOOK_AFTER,
    )  # fmt: skip
    return None if row is None else StepClaim(row["again"], row["output"])


async def renew(conn: PoolConnection, effect: Effect, name: str, run: str) -> bool | None:
    """Hold a claim on for as long again; None where it is lost.

    Returns whether a person has said since the step was due that it is to end.
    """
    is_to_end: bool | None = await conn.fetchval(RENEW, *effect, name, LOOK_AFTER, run)
    return is_to_end


async def release(conn: PoolConnection, effect: Effect, name: str) -> None:
    """Let others take the step over now; they find it claimed before."""
    await conn.execute(RELEASE, *effect, name)


async def done(conn: PoolConnection, effect: Effect, name: str) -> bool:
    """Note that a claim's holder did it; False where it is done, or the claim is another's now."""
    return bool(await conn.fetchval(DONE, *effect, name))


async def never(conn: PoolConnection, effect: Effect, silent: timedelta) -> bool | None:
    """Let nobody claim it any more; None where it is done, or somebody does it.

    Who has claimed it and was ``silent`` for so long does not. Returns whether anybody had begun.
    """
    was_begun: bool | None = await conn.fetchval(NEVER, *effect, silent)
    return was_begun


async def is_left(conn: PoolConnection, effect: Effect, silent: timedelta) -> bool:
    """Whether nobody does it: none has claimed it, or was ``silent`` for so long since."""
    return bool(await conn.fetchval(LEFT, *effect, silent))


async def holder(conn: PoolConnection, effect: Effect) -> str:
    """Return the name of the claim on what is not done yet, '' where there is none."""
    return await conn.fetchval(HOLDER, *effect) or ""


async def is_open(conn: PoolConnection, effect: Effect) -> bool:
    """Whether it is still to be done; until the transaction ends nobody else does it."""
    return bool(await conn.fetchval(OPEN, *effect))


async def wait_for(conn: PoolConnection, effect: Effect, lock: str) -> None:
    """Let the beginning of a run wait until a lock is free."""
    await conn.execute(WAIT, *effect, lock)


async def woken(conn: PoolConnection, locks: Iterable[str]) -> list[Asked]:
    """Let the beginnings that wait for one of these locks wait no more; the oldest come first."""
    rows = await conn.fetch(WAKE, sorted(locks))
    found = [Effect(row["incident"], row["seq"]) for row in rows]
    return [Asked(one, what) for one in found if (what := await effects.load(conn, one))]


async def since(conn: PoolConnection, effect: Effect) -> datetime:
    """Return when it was asked for."""
    at: datetime = await conn.fetchval(SINCE, *effect)
    return at
