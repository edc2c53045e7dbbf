"""One test of the manual, run once: what it measured, and what it printed."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import assert_never

from bongsu.actions.looking import LookContext
from bongsu.actions.output import Output
from bongsu.actions.probes import prometheus
from bongsu.actions.probes.outcome import seconds
from bongsu.actions.probes.reaching import tls_context
from bongsu.actions.programs import MIB, allowed_environment, run
from bongsu.incident.body import Reason
from bongsu.incident.verification.checked import Quiet
from bongsu.incident.verification.measured import Measured, Unreadable, percentile
from bongsu.incident.verification.results import Ran, read
from bongsu.logs.masking import mask
from bongsu.manual.schema.base import SeverityLevel
from bongsu.manual.schema.verification import CommandTest, ProbeTest, QueryTest, QuietTest, Test

LARGEST_RESULT = 8 * MIB
LONGEST_OUTPUT = 20_000
"""characters of what a program printed that are kept, masked"""
GRACE_S = 2.0
CANNOT_RUN = frozenset((126, 127))
"""exit codes by which shells and ``env`` say that they could not run the program"""
RESULT = "{result}"
"""stands in an argument for the file in which a program leaves its result; it has an ending, since
artillery takes a name without one for a folder"""
ENDINGS = ("", ".json", "_stats.csv")
"""what tools add to the name that they are given: locust's ``--json-file`` and ``--csv`` do"""
BAD = 400
"""status codes from here on are failures"""


AskQuiet = Callable[[Sequence[SeverityLevel], timedelta], Awaitable[Quiet]]
OnPrinted = Callable[[str, bytes], None]


_LOAD = threading.Lock()
_LOOK_EVERY = 0.1
"""seconds between two looks whether another load test of this process has ended"""


@asynccontextmanager
async def process_alone() -> AsyncIterator[None]:
    """Keep load tests of this process, whose loops are others, from falling together."""
    while not _LOAD.acquire(blocking=False):  # noqa: ASYNC110  an event belongs to one loop
        await asyncio.sleep(_LOOK_EVERY)
    try:
        yield
    finally:
        _LOAD.release()


@dataclass(frozen=True)
class CheckContext:
    """What every test is given."""

    env: Mapping[str, str] = field(repr=False)
    """the environment: of which a program sees what the manual names, and where Prometheus is"""
    quiet: AskQuiet
    """asks how long no alert of some severities has fired"""
    now: Callable[[], datetime]
    """the time of day, UTC"""
    folder: Path | None = None
    """where programs are run"""
    on_printed: OnPrinted = field(default=lambda _check, _block: None)
    """is told what a check prints while it runs"""
    turn: Callable[[str], AbstractAsyncContextManager[None]] = field(
        default=lambda _check: process_alone()
    )
    """what a load test is run within, so that no two of them run at once; raises Unreadable where
    it was waited for in vain"""


class Printed:
    """What a test printed, kept whatever becomes of it; ``live`` is told at once."""

    def __init__(self, live: Callable[[bytes], None]) -> None:
        self.text, self.live = "", live

    def keep(self, *parts: str) -> None:
        """Keep the beginning and the end, masked."""
        whole = mask("\n".join(part for part in (one.strip() for one in parts) if part))
        half = LONGEST_OUTPUT // 2
        long = len(whole) > LONGEST_OUTPUT
        self.text = f"{whole[:half]}\n[…]\n{whole[-half:]}" if long else whole


async def measure(
    test: Test, context: CheckContext, timeout_s: float, printed: Printed
) -> Measured:
    """Run a test once, for at most about ``timeout_s`` seconds.

    Raises:
        Unreadable: it gave nothing to judge by; says why.
    """
    match test:
        case CommandTest():
            return await _command(test, context, timeout_s, printed)
        case ProbeTest():
            return await _http(test, context, timeout_s, printed)
        case QueryTest():
            return await _query(test, context, timeout_s, printed)
        case QuietTest():
            found = await context.quiet(test.severities, test.duration)
            return Measured({"quiet": found.quiet, "count": found.count})
        case _:
            assert_never(test)


# ── a program ────────────────────────────────────────────────────────────────────────────


async def _command(
    test: CommandTest, context: CheckContext, timeout_s: float, printed: Printed
) -> Measured:
    with tempfile.TemporaryDirectory(prefix="bongsu-verify-") as folder:
        file = Path(folder) / ("result.xml" if test.result == "junit" else "result.json")
        argv = [part.replace(RESULT, str(file)) for part in test.argv]
        in_file = argv != test.argv
        shown = ("out", "err") if in_file or test.result == "exit" else ("err",)
        output = await run(
            argv, timeout_s=timeout_s, env=allowed_environment(test.env, source=context.env),
            cwd=context.folder, limit=LARGEST_RESULT, grace_s=GRACE_S,
            on_output=lambda stream, block: printed.live(block) if stream in shown else None,
        )  # fmt: skip
        result, whole = _left(file) if in_file else (output.out, not output.truncated)
    printed.keep(output.text if in_file or test.result == "exit" else "", output.complaint)
    if test.result != "exit" and not in_file and not printed.text:
        printed.keep(output.text)
    return read(test, _ran(test, output, result, timeout_s, whole=whole))


def _left(file: Path) -> tuple[bytes, bool]:
    """Read what a program left in its result file, and whether that is all of it."""
    left = (file.with_name(file.name + ending) for ending in ENDINGS)
    try:
        with next((one for one in left if one.exists()), file).open("rb") as opened:
            result = opened.read(LARGEST_RESULT + 1)
    except OSError:
        return b"", True
    return result[:LARGEST_RESULT], len(result) <= LARGEST_RESULT


def _ran(test: CommandTest, output: Output, result: bytes, timeout_s: float, *, whole: bool) -> Ran:
    program = test.argv[0] if test.argv else "-"
    if output.ended == "timed_out":
        raise Unreadable("timed_out", wait=seconds(timeout_s))
    if output.ended == "signalled":
        raise Unreadable("signalled", program=program)
    if output.ended != "exited" or output.exit_code is None or output.exit_code in CANNOT_RUN:
        lines = output.complaint.splitlines() or ["-"]
        raise Unreadable("not_run", program=program, error=mask(lines[-1]))
    return Ran(output.exit_code, output.took_s, result, whole)


# ── an address, asked again and again ────────────────────────────────────────────────────


async def _http(
    test: ProbeTest, context: CheckContext, timeout_s: float, printed: Printed
) -> Measured:
    """Ask one after the other, over one connection as a browser would keep it."""
    import httpx  # noqa: PLC0415  slow to import, and only this kind needs it

    times: dict[float, int] = {}
    failed, lines, ends = 0, [], time.perf_counter() + timeout_s
    client = httpx.AsyncClient(
        verify=tls_context(context.env), follow_redirects=True,
        headers={"user-agent": "bongsu-verify", "accept": "*/*"},
    )  # fmt: skip
    async with client:
        for _ in range(test.times):
            began = time.perf_counter()
            if (left := ends - began) <= 0:
                break
            trouble = await _asked(client, test.url, left)
            took = round(time.perf_counter() - began, 6)
            times[took] = times.get(took, 0) + 1
            failed += bool(trouble)
            lines.append(f"{took:.3f} s  {trouble or 'ok'}")
            printed.live(f"{lines[-1]}\n".encode())
    printed.keep("\n".join(lines))
    return _of_requests(times, failed, test.times)


async def _asked(client: object, url: str, timeout_s: float) -> str:
    """Ask once; returns what was wrong, or nothing."""
    import httpx  # noqa: PLC0415

    assert isinstance(client, httpx.AsyncClient)
    try:
        async with asyncio.timeout(timeout_s):
            response = await client.get(url, timeout=timeout_s)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Unreadable("not_asked", error=error) from None
    except (httpx.HTTPError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return f"HTTP {response.status_code}" if response.status_code >= BAD else ""


def _of_requests(times: Mapping[float, int], failed: int, wanted: int) -> Measured:
    done = sum(times.values())
    if not done:
        raise Unreadable("no_requests")
    values: dict[str, object] = {"requests": done, "error_rate": failed / done}
    for name, rank in (("p95", 0.95), ("p99", 0.99)):
        values[name] = timedelta(seconds=percentile(times, rank) or 0.0)
    cut = Reason("cut_short", {"done": str(done), "times": str(wanted)})
    return Measured(values, cut if done < wanted else None)


# ── a query ──────────────────────────────────────────────────────────────────────────────


async def _query(
    test: QueryTest, context: CheckContext, timeout_s: float, printed: Printed
) -> Measured:
    look = LookContext(env=context.env, now=context.now, timeout_s=timeout_s)
    try:
        found = await prometheus.values(test.query, look)
    except prometheus.Refused as refused:
        raise Unreadable("not_asked", error=refused.why) from None
    except TimeoutError:
        raise Unreadable("timed_out", wait=seconds(timeout_s)) from None
    printed.keep("\n".join(f"{{{one.labels}}} {one.value:g}" for one in found[:100]))
    if not found:
        raise Unreadable("no_series")
    values = tuple(one.value for one in found)
    return Measured({"value": values[0]}, series=values)
