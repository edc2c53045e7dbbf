"""Reads several sources at once into one analysis; one that fails doesn't stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bongsu.actions.logsources import journal, kubernetes, loki
from bongsu.actions.logsources.programs import Unread
from bongsu.actions.logsources.source import Source
from bongsu.i18n import N_, translator
from bongsu.logs.analyser import Analyser
from bongsu.logs.decoding import Data, Decoder
from bongsu.logs.files import Cutter, UnreadableLog, raw_blocks

OnBytes = Callable[[int], None]


async def read(
    sources: Sequence[Source],
    analyser: Analyser,
    *,
    now: datetime,
    length: timedelta,
    deadline_s: float,
    lang: str = "en",
    on_bytes: OnBytes = lambda _count: None,
) -> None:
    """Feed what the sources wrote in the ``length`` up to ``now``; note troubles in words."""

    async def one(source: Source) -> None:
        t, cutter, decoder = translator(lang), Cutter(), Decoder()

        def feed(block: Data) -> None:
            analyser.feed(source.name, decoder.utf8(block))
            on_bytes(len(block))

        try:
            async with asyncio.timeout(deadline_s):
                async for block in _blocks(source, cutter, now, length, deadline_s):
                    feed(block)
                    await asyncio.sleep(0)
        except TimeoutError:
            told = N_("{source}: was not read to its end by the deadline")
            analyser.trouble(t(told, source=source.name))
        except (Unread, UnreadableLog) as error:
            analyser.trouble(f"{source.name}: {t(error.text, **error.values)}")
        # Also of what was not read to its end.
        for block in cutter.rest():
            feed(block)

    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(one(source))


async def _blocks(
    source: Source, cutter: Cutter, now: datetime, length: timedelta, deadline_s: float
) -> AsyncIterator[Data]:
    if source.kind == "file":
        for block in raw_blocks(Path(source.query)):
            yield block
        return
    async for piece in _pieces(source, now, length, deadline_s):
        for block in cutter.push(piece):
            yield block


def _pieces(
    source: Source, now: datetime, length: timedelta, deadline_s: float
) -> AsyncIterator[bytes]:
    end, seconds = int(now.timestamp()), int(length.total_seconds())
    match source.kind:
        case "k8s":
            return kubernetes.pieces(source, seconds, deadline_s)
        case "journal":
            return journal.pieces(source, end - seconds, deadline_s)
        case _:
            return loki.pieces(source, end - seconds, end + 1, deadline_s)
