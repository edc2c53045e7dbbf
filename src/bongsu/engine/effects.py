"""What the log asks to be done outside, and the fence that lets each thing be done once.

An effect is named by its incident and the number of the event that asked for it. Its row is
*claimed* just before it leaves: one conditional update, so that of two workers only one sends.
A claim lasts for `LEASE`; a worker that died is followed by another one after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident import verification_events as v
from bongsu.incident.runs.state import Run
from bongsu.incident.state import Incident
from bongsu.store import incidents

if TYPE_CHECKING:
    from bongsu.engine.advance import Step
    from bongsu.store.database import PoolConnection

PAGES, SLOW, STEPS = QUEUES = ("effect", "slow", "step")
"""the queues of every process that is nobody's runner"""

LEASE = timedelta(seconds=6)
"""longer than any delivery may take (5 s); what takes longer brings its own"""


class Effect(NamedTuple):
    """Names one thing to be done."""

    incident: int
    seq: int

    def encode(self) -> bytes:
        """Write it as a job's payload."""
        return f"{self.incident}:{self.seq}".encode()

    @classmethod
    def decode(cls, payload: bytes | None) -> Effect:
        """Read it from a job's payload."""
        incident, _, seq = (payload or b"").partition(b":")
        return cls(int(incident), int(seq))


INSERT = "INSERT INTO effects (incident, seq) SELECT * FROM unnest($1::bigint[], $2::int[])"
_THESE = "unnest($1::bigint[], $2::int[]) AS these(incident, seq)"
# While the database was down nobody could record what they had sent: they get a moment for it.
CLAIM = f"""
UPDATE effects SET claimed_at = clock_timestamp(), claimed_by = $3
  FROM {_THESE} JOIN incidents ON incidents.id = these.incident
 WHERE effects.incident = these.incident AND effects.seq = these.seq AND done_at IS NULL
   AND (claimed_at IS NULL OR claimed_at < clock_timestamp() - $4::interval
        AND pg_postmaster_start_time() < clock_timestamp() - interval '1.5 seconds')
RETURNING effects.incident, effects.seq, incidents.seq AS last
"""  # noqa: S608  see _THESE
RENEW = """
UPDATE effects SET claimed_at = clock_timestamp(), look_at = clock_timestamp() + $4::interval
 WHERE incident = $1 AND seq = $2 AND done_at IS NULL AND claimed_by = $3
RETURNING true
"""
SENT = """
UPDATE effects SET receipt = these.receipt
  FROM unnest($1::bigint[], $2::int[], $3::text[]) AS these(incident, seq, receipt)
 WHERE effects.incident = these.incident AND effects.seq = these.seq AND done_at IS NULL
"""
DONE = f"""
UPDATE effects SET done_at = clock_timestamp() FROM {_THESE}
 WHERE effects.incident = these.incident AND effects.seq = these.seq AND done_at IS NULL
RETURNING effects.incident, effects.seq
"""  # noqa: S608  see _THESE
LOAD = """
SELECT effects.done_at, effects.receipt, events.body, incidents.state, incidents.state_form
  FROM effects JOIN events USING (incident, seq) JOIN incidents ON incidents.id = effects.incident
 WHERE effects.incident = $1 AND effects.seq = $2
"""

# A job may be lost by its library (a stalled worker deletes one that another has taken);
# the row isn't. In a storm most are late only because so many are before them.
OVERDUE = """
WITH late AS (
    UPDATE effects SET look_at = clock_timestamp() + interval '15 seconds'
     WHERE (incident, seq) IN (
        SELECT incident, seq FROM effects WHERE done_at IS NULL AND look_at <= clock_timestamp()
         ORDER BY look_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING incident, seq)
SELECT incident, seq FROM late WHERE NOT EXISTS (
    SELECT FROM jobs.pgqueuer WHERE dedupe_key = incident || ':' || seq
       AND status IN ('queued', 'picked'))
"""


class Diagnosis(NamedTuple):
    """A first report that is still to be made."""

    due: e.DiagnosisDue
    incident: Incident


class Delivery(NamedTuple):
    """A delivery that is still to be made, with its incident as it is now."""

    due: e.DeliveryDue
    incident: Incident
    receipt: str | None = None
    """what the channel answered, where it is out already and only the event is missing"""


class Verification(NamedTuple):
    """Checks of a recovery that are still to be run."""

    due: v.VerificationDue
    incident: Incident


class Start(NamedTuple):
    """A run that is to take its lock and begin."""

    due: r.StartDue
    run: Run


class StepWork(NamedTuple):
    """A step of a run that is to be done, or taken back."""

    due: r.StepDue
    run: Run


Wanted = Delivery | Diagnosis | Verification | Start | StepWork
"""what an event asks for, with its incident as it is now"""


class Asked(NamedTuple):
    """An effect, and what it is."""

    effect: Effect
    wanted: Wanted

    @property
    def queue(self) -> str:
        """Which workers do it: what takes seconds must not stand in a page's way."""
        match self.wanted:
            case Delivery():
                return PAGES
            case Diagnosis() | Verification():
                return SLOW
            case Start(run=run) | StepWork(run=run):
                return queue_of(run.asked.runner)


def queue_of(runner: str | None) -> str:
    """Return the queue of the steps that a runner takes; None is everybody who has none."""
    return f"runner:{runner}" if runner else STEPS


def asked_by(steps: Iterable[Step]) -> list[Asked]:
    """Return the effects that new events ask for."""
    return [
        Asked(Effect(int(step.incident.id), event.seq), wanted)
        for step in steps
        for event in step.events
        if (wanted := _wanted(event.body, step.incident)) is not None
    ]


def _wanted(body: e.AnyBody, incident: Incident, receipt: str | None = None) -> Wanted | None:
    """Every kind of event that asks for something, a line each."""
    match body:
        case e.DeliveryDue():
            return Delivery(body, incident, receipt)
        case e.DiagnosisDue():
            return Diagnosis(body, incident)
        case v.VerificationDue():
            return Verification(body, incident)
        case r.StartDue():
            return Start(body, incident.runs[body.run])
        case r.StepDue():
            return StepWork(body, incident.runs[body.run])
        case _:
            return None


async def claim(
    conn: PoolConnection, effect: Effect, worker: str, lease: timedelta = LEASE
) -> bool:
    """Take the right to do an effect now; False where another worker has it or has done it.

    ``lease`` is how long a claim of this effect holds.
    """
    return effect in await claim_all(conn, [effect], worker, lease)


async def claim_all(
    conn: PoolConnection, wanted: Iterable[Effect], worker: str, lease: timedelta = LEASE
) -> dict[Effect, int]:
    """Claim all that can be claimed; returns each with its incident's last event at that moment."""
    rows = await conn.fetch(CLAIM, *_columns(wanted), worker, lease)
    return {Effect(row["incident"], row["seq"]): row["last"] for row in rows}


def _columns(these: Iterable[Effect]) -> tuple[list[int], list[int]]:
    """The arguments of a statement about several: everybody locks them in the same order."""
    ordered = sorted(these)
    return [one.incident for one in ordered], [one.seq for one in ordered]


async def renew(conn: PoolConnection, effect: Effect, worker: str, lease: timedelta) -> bool:
    """Hold a claim on for as long again, so that nobody looks after it; False where it is lost."""
    return bool(await conn.fetchval(RENEW, effect.incident, effect.seq, worker, lease))


async def sent(conn: PoolConnection, receipts: Mapping[Effect, str]) -> None:
    """Note what the channels have taken; the events that say so follow."""
    columns = _columns(receipts)
    ordered = [receipts[Effect(*one)] for one in zip(*columns, strict=True)]
    await conn.execute(SENT, *columns, ordered)


async def done(conn: PoolConnection, effect: Effect) -> bool:
    """Note that it was done; False where that is noted already."""
    return effect in await done_all(conn, [effect])


async def done_all(conn: PoolConnection, made: Iterable[Effect]) -> set[Effect]:
    """Note that several were done; returns those of which that was not noted before."""
    return {Effect(*row) for row in await conn.fetch(DONE, *_columns(made))}


async def overdue(conn: PoolConnection, limit: int) -> list[Asked]:
    """Return effects that should long be done, each at most once in 15 s."""
    rows = await conn.fetch(OVERDUE, limit)
    found = [Effect(row["incident"], row["seq"]) for row in rows]
    return [Asked(one, what) for one in found if (what := await load(conn, one)) is not None]


async def load(conn: PoolConnection, effect: Effect) -> Wanted | None:
    """Load what is to be done; None where it was done or is not known."""
    row = await conn.fetchrow(LOAD, effect.incident, effect.seq)
    if row is None or row["done_at"] is not None:
        return None
    incident = await incidents.state_of(conn, effect.incident, row)
    return _wanted(e.decode_body(row["body"]), incident, row["receipt"])
