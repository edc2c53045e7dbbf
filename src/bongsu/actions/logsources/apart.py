"""Analyses in a process of its own: numpy stays out of the server, and its loop stays free."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from bongsu.actions.logsources.loki import LOKI_TENANT, LOKI_TOKEN
from bongsu.actions.logsources.source import LOKI_URL, Source
from bongsu.actions.programs import allowed_environment, run
from bongsu.i18n import N_, translator
from bongsu.logs.analysis import Analysis

LARGEST = 32 << 20
"""bytes of an analysis"""
RESERVED_S, MARGIN = 1.0, 0.15
"""of the deadline, what is kept for putting the result together: so much, or such a share"""
_ENV = (LOKI_URL, LOKI_TOKEN, LOKI_TENANT, "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "PYTHONPATH")


class Request(msgspec.Struct, frozen=True):
    """What the other process is asked."""

    sources: tuple[Source, ...]
    since_s: float
    baseline_s: float
    top: int
    now: datetime
    deadline: float
    """when it stops reading and says what it has, by the machine's monotonic clock"""
    lang: str


async def analyse(
    sources: Sequence[Source],
    *,
    since: timedelta,
    baseline: timedelta,
    top: int,
    now: datetime,
    deadline_s: float,
    lang: str = "ko",
) -> Analysis:
    """Analyse what the sources wrote in the ``since`` up to ``now``, against ``baseline`` before.

    It runs in another process, which is ended after ``deadline_s`` seconds. Whatever goes wrong is
    in the analysis's ``troubles``, worded in ``lang``: it never raises.
    """
    reading_s = max(deadline_s * 0.5, deadline_s - max(RESERVED_S, deadline_s * MARGIN))
    until = time.monotonic() + reading_s
    asked = Request(
        tuple(sources), since.total_seconds(), baseline.total_seconds(), top, now, until, lang
    )
    came = await run(
        [sys.executable, "-m", "bongsu.actions.logsources"],
        timeout_s=deadline_s,
        env=allowed_environment(_ENV),
        stdin=msgspec.json.encode(asked),
        limit=LARGEST,
    )
    if came.ok and not came.truncated:
        try:
            return msgspec.json.decode(came.out, type=Analysis)
        except msgspec.DecodeError as error:
            return _nothing(sources, lang, str(error))
    if came.ended == "timed_out":
        t = translator(lang)
        return _nothing(
            sources, lang, t(N_("it was not done after {seconds} s"), seconds=f"{deadline_s:g}")
        )
    why = came.complaint.splitlines()[-1] if came.complaint else came.ended
    return _nothing(sources, lang, why)


def _nothing(sources: Sequence[Source], lang: str, why: str) -> Analysis:
    told = translator(lang)(N_("the logs could not be analysed: {why}"), why=why)
    names = tuple(source.name for source in sources)
    return Analysis(sources=names, lines=0, records=0, bytes=0, templates=0, troubles=(told,))
