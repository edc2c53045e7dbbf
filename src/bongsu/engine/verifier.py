"""Verifies recoveries: runs the checks that events ask for, and writes what came of each.

They run in a thread with an event loop of its own, as a diagnosis does: whatever a test does there,
the loop that pages people goes on. A run may take half an hour, so no job is held for it: its
claim is renewed while it goes on, and where that ends its row brings it to another process, which
runs the checks that have no answer yet. It ends when nobody waits for it any more: a service that
has relapsed must not be kept under load.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog

from bongsu.engine import effects
from bongsu.engine.advance import Step, advance
from bongsu.engine.effects import Effect, Verification
from bongsu.engine.engine import Engine
from bongsu.engine.load_turns import LoadTurn, in_turn
from bongsu.engine.policy import Policy
from bongsu.engine.step_output import StepOutput
from bongsu.i18n import translator
from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident
from bongsu.incident.verification.checked import Checked, Quiet
from bongsu.incident.verification.plan import WATCH_OVER, every_check
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.verification import VerificationCheck
from bongsu.store import incidents, verifications
from bongsu.store.database import AWAY
from bongsu.store.verifications import VerificationRow

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

T = TypeVar("T")
AskQuiet = Callable[[Sequence[SeverityLevel], timedelta], Awaitable[Quiet]]
OnChecked = Callable[[Checked], Awaitable[None]]
OnPrinted = Callable[[str, bytes], None]
Turn = Callable[[str], AbstractAsyncContextManager[None]]
"""what a load test is run within, by the check's id"""
Verify = Callable[
    [Mapping[str, VerificationCheck], AskQuiet, OnChecked, OnPrinted, Turn], Awaitable[None]
]

PLACES = 2
"""recoveries that a process verifies at once; more of them wait for their turn"""
LEASE = timedelta(seconds=30)
RENEW_EVERY = 10.0
"""seconds; the claim of a process that died is free after `LEASE`"""
AWAY_PAUSE = 0.2
"""seconds between two attempts while the database is away"""
END_WITHIN = 5.0
"""seconds that programs under way have to end when the process stops"""

log = structlog.get_logger(__name__)


class Verifier:
    """Verifies the recoveries that one process has taken on."""

    def __init__(self, engine: Engine, verify: Verify, worker: str) -> None:
        self._engine = engine
        self._verify = verify
        self._worker = worker
        self._threads = ThreadPoolExecutor(PLACES, thread_name_prefix="verification")
        self._under_way: dict[Effect, asyncio.Task[None]] = {}

    def begin(self, effect: Effect, wanted: Verification) -> None:
        """Begin now if there is room; else its row brings it again, here or elsewhere."""
        if effect in self._under_way or len(self._under_way) >= PLACES:
            return
        task = asyncio.create_task(self._by_hand(effect, wanted), name=f"verify {effect}")
        self._under_way[effect] = task
        task.add_done_callback(lambda _: self._under_way.pop(effect, None))

    async def _by_hand(self, effect: Effect, wanted: Verification) -> None:
        try:
            await self.verify(effect, wanted)
        except Exception as error:  # noqa: BLE001  the edge of an effect: its row brings it again
            log.warning("verification.left", incident=effect.incident, error=repr(error))

    async def verify(self, effect: Effect, wanted: Verification) -> bool:
        """Run the checks that have no answer yet; False where another process is at it."""
        async with self._engine.pool.acquire() as conn:
            if not await effects.claim(conn, effect, self._worker, LEASE):
                return False
            answered = await verifications.answered(conn, effect.incident, effect.seq)
        if awaited(wanted.incident, effect.seq):
            left = [check for check in wanted.due.checks if check not in answered]
            await self._while_awaited(effect, left)
        await self._engine.transact(lambda conn, *_: _done(conn, effect))
        return True

    async def _while_awaited(self, effect: Effect, names: Sequence[str]) -> None:
        """Run them, hold the claim meanwhile, and end them once nobody waits for them."""
        running = asyncio.create_task(self._run(effect, names), name=f"run {effect}")
        holding = asyncio.create_task(self._hold(effect, running), name=f"hold {effect}")
        try:
            await asyncio.wait({running})
        finally:
            holding.cancel()
            running.cancel()
            await asyncio.wait({running})
        if not running.cancelled():
            running.result()

    async def _run(self, effect: Effect, names: Sequence[str]) -> None:
        checks = await self._known(effect, names)
        if not checks:
            return
        printing = await self._printing(effect, list(checks))

        async def on_checked(found: Checked) -> None:
            if found.check in printing:
                printing[found.check].stop()
            await self.record(effect, found)

        def on_printed(check: str, block: bytes) -> None:
            if check in printing:
                printing[check].take("", block)

        try:
            await self._apart(checks, on_checked, on_printed)
        finally:
            for one in printing.values():
                one.stop()

    async def _known(self, effect: Effect, names: Sequence[str]) -> dict[str, VerificationCheck]:
        """Return the checks; one that the manual has lost meanwhile has its answer here."""
        known = every_check(self._engine.policy.manual)
        for name in names:
            if name not in known:
                gone = Checked(check=name, outcome="inconclusive", why=e.Reason("check_gone"))
                await self.record(effect, gone)
        return {name: known[name] for name in names if name in known}

    async def _printing(self, effect: Effect, checks: Sequence[str]) -> dict[str, StepOutput]:
        """Make a place for what each check prints, where people see it at once."""
        pool = self._engine.pool
        async with pool.acquire() as conn:
            now = self._engine.clock.now()
            rows = await verifications.begin(conn, effect.incident, effect.seq, checks, now)
        return {
            check: StepOutput(pool, row, effect.incident, verifications.write_output)
            for check, row in rows.items()
        }

    async def record(self, effect: Effect, found: Checked) -> None:
        """Keep what came of a check, and write it on the incident's log; once."""

        async def work(conn: PoolConnection, policy: Policy, now: datetime) -> Sequence[Step]:
            locked = await incidents.lock(conn, [effect.incident])
            row = VerificationRow(
                0, effect.seq, found.check, found.outcome, found.why, found.numbers, found.output,
                found.took_s, now,
            )  # fmt: skip
            if not await verifications.add(conn, effect.incident, row):
                return []
            body = v.Verified(
                found.check, found.outcome, found.why, effect.seq, found.numbers, found.took_s
            )
            return [advance(policy, locked[effect.incident], e.SYSTEM, [body], now)]

        await _there(lambda: self._engine.transact(work))

    async def quiet(self, severities: Sequence[SeverityLevel], asked: timedelta) -> Quiet:
        """Say how long no alert of these severities has fired."""

        async def ask() -> Quiet:
            async with self._engine.pool.acquire() as conn:
                now = self._engine.clock.now()
                return Quiet(*await verifications.quiet(conn, severities, asked, now))

        return await _there(ask)

    async def _hold(self, effect: Effect, running: asyncio.Task[None]) -> None:
        while True:
            try:
                async with self._engine.pool.acquire() as conn:
                    await effects.renew(conn, effect, self._worker, LEASE)
                    incident = await incidents.load(conn, effect.incident)
                if incident is None or not awaited(incident, effect.seq):
                    log.info("verification.not_awaited", effect=str(effect))
                    running.cancel()
                    return
            except Exception as error:  # noqa: BLE001  the edge: tried again before the lease ends
                log.warning("verification.not_renewed", effect=str(effect), error=repr(error))
            await asyncio.sleep(RENEW_EVERY)

    async def _apart(
        self, checks: Mapping[str, VerificationCheck], tell: OnChecked, printed: OnPrinted
    ) -> None:
        """Run the checks in a thread; what they ask and tell comes back to this loop.

        What they print is taken in that thread, so that no flood of it delays a page.
        """
        here, apart, mine = asyncio.get_running_loop(), _Apart(), LoadTurn(self._engine.pool)

        async def asked(severities: Sequence[SeverityLevel], time: timedelta) -> Quiet:
            return await _over(here, self.quiet(severities, time))

        async def told(found: Checked) -> None:
            await _over(here, tell(found))

        def turn(check: str) -> AbstractAsyncContextManager[None]:
            return in_turn(
                lambda: _over(here, _there(mine.take)),
                lambda: _over(here, mine.leave()),
                lambda: printed(check, self._waiting()),
            )

        running = here.run_in_executor(
            self._threads, apart.run, lambda: self._verify(checks, asked, told, printed, turn)
        )
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            apart.cancel()
            await asyncio.wait({running}, timeout=END_WITHIN)
            raise
        finally:
            await mine.leave()

    def _waiting(self) -> bytes:
        t = translator(self._engine.policy.manual.overview.locale)
        text = t("Another recovery's load tests are under way; this one waits for its turn.")
        return f"{text}\n".encode()

    async def close(self) -> None:
        """End what is under way, its programs with it; another process goes on with it."""
        left = list(self._under_way.values())
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=2 * END_WITHIN)
        self._threads.shutdown(wait=False, cancel_futures=True)


def awaited(incident: Incident, due: int) -> bool:
    """Whether anybody still waits for the checks of an event: not after a relapse.

    Once an incident is resolved, only the last look of its watch is waited for.
    """
    asked = [one for one in incident.verification.asked.values() if one.due == due]
    watched = incident.phase is Phase.RESOLVED and any(one.why == WATCH_OVER for one in asked)
    return bool(asked) and (incident.open or watched)


class _Apart:
    """One loop in a thread of its own, that can be told from outside to end."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._whole(work))

    async def _whole(self, work: Callable[[], Awaitable[None]]) -> None:
        self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        await work()

    def cancel(self) -> None:
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it ended by itself meanwhile
                self._loop.call_soon_threadsafe(self._task.cancel)


async def _there(ask: Callable[[], Awaitable[T]]) -> T:
    """Wait for a database that is away: ten minutes of testing must not be lost to its restart."""
    while True:
        try:
            return await ask()
        except AWAY as error:
            log.info("verification.waits_for_database", error=repr(error))
            await asyncio.sleep(AWAY_PAUSE)


async def _over(loop: asyncio.AbstractEventLoop, work: Awaitable[T]) -> T:
    """Have something done on another thread's loop."""

    async def there() -> T:
        return await work

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), loop))


async def _done(conn: PoolConnection, effect: Effect) -> Sequence[Step]:
    await effects.done(conn, effect)
    await verifications.leave(conn, effect.incident, effect.seq)
    return []
