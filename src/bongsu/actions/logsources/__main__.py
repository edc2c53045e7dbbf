"""The other process of `bongsu.actions.logsources.analyse`: a request in, an analysis out."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta

import msgspec

from bongsu.actions.logsources.apart import Request
from bongsu.actions.logsources.gathering import read
from bongsu.logs.analyser import Analyser


async def main(asked: Request) -> bytes:
    """Return the analysis as JSON."""
    task = asyncio.current_task()
    assert task is not None
    # Ended so, it ends the programs that it runs as well.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    since, baseline = timedelta(seconds=asked.since_s), timedelta(seconds=asked.baseline_s)
    analyser = Analyser(
        now=asked.now, since=since, baseline=baseline, top=asked.top, live=True, lang=asked.lang
    )
    await read(
        asked.sources,
        analyser,
        now=asked.now,
        length=since + baseline,
        deadline_s=max(0.0, asked.deadline - time.monotonic()),
        lang=asked.lang,
    )
    return msgspec.json.encode(analyser.analysis())


if __name__ == "__main__":
    with suppress(asyncio.CancelledError):
        sys.stdout.buffer.write(
            asyncio.run(main(msgspec.json.decode(sys.stdin.buffer.read(), type=Request)))
        )
