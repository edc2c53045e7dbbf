"""From bytes to what is remarkable in them: the way in to log analysis."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bongsu.i18n import N_, translator
from bongsu.logs.analysis import Analysis, Pattern
from bongsu.logs.counting import STEPS_A_WINDOW, Counts, Span, Tally, both, nothing, tally
from bongsu.logs.masking import mask
from bongsu.logs.miner import Miner, Templates
from bongsu.logs.novelty import ERROR, FADING, novelty, surprise
from bongsu.logs.quoting import SAMPLE, readable, speaks_of_error, variables
from bongsu.logs.recent import Page, Recent
from bongsu.logs.timestamps import UNKNOWN, Bytes, Clock

RATES = 24
"""steps of a pattern's rate picture"""
QUOTED = 500
"""records that a pattern's values are counted in"""
LOOKED_AT = 200
"""templates that are read for words of an error, per pattern asked for at least"""
HARDLY_DATED = 0.1


class _Seen(NamedTuple):
    """First and last time of each shape; grows with the shapes."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]


class Analyser:
    """Takes blocks of log records as they come, and says in the end what is new or spiking.

    ``since`` is the length of the incident's window, ``baseline`` of what it is held against.
    ``now`` is needed for times without a year, and ``zone`` for those without a zone. ``live``
    means that the logs go up to ``now``; else the window ends with the latest record. Records of
    sources without any times are counted by their order: the window is the same share of them.
    Memory does not grow with the input, only with the number of different shapes.
    """

    def __init__(
        self,
        *,
        now: datetime,
        since: timedelta = timedelta(minutes=15),
        baseline: timedelta = timedelta(hours=1),
        top: int = 10,
        zone: tzinfo = UTC,
        live: bool = False,
        lang: str = "en",
    ) -> None:
        self._now, self._zone, self._live, self._top = now, zone, live, top
        self._since = max(1, int(since.total_seconds()))
        self._baseline = max(0, int(baseline.total_seconds()))
        self._t = translator(lang)
        self._miner = Miner()
        self._clocks: dict[str, Clock] = {}
        self._undated: dict[str, int] = {}
        whole = self._since + self._baseline
        self._dated = Counts(self._since // STEPS_A_WINDOW, whole + self._since)
        self._ordered: dict[str, Counts] = {}
        self._recent = Recent()
        self._seen = _Seen(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._lines = self._records = self._bytes = 0
        self._troubles: list[str] = []

    def feed(self, source: str, data: Bytes) -> None:
        """Take whole records of one source, in their order; the last may lack its line feed."""
        block = self._miner.feed(data)
        view = np.frombuffer(data, np.uint8)
        self._bytes += len(view)
        self._lines += int(np.count_nonzero(view == ord("\n"))) + bool(
            len(view) and view[-1] != ord("\n")
        )
        self._records += len(block.shapes)
        if len(block.shapes):
            times = self._count(source, data, *block)
            self._recent.add(source, Page(data, block, times))

    def trouble(self, text: str) -> None:
        """Note what could not be read, in words."""
        self._troubles.append(text)

    def analysis(self) -> Analysis:
        """Return what is remarkable in all that was fed; may be called again after more."""
        templates = self._miner.templates()
        spans = self._spans()
        added = self._tally(templates, spans)
        patterns = self._patterns(
            templates, added, {name: span.begin for name, span in spans.items()}
        )
        dated = spans.get("")
        return Analysis(
            sources=tuple(self._clocks),
            lines=self._lines,
            records=self._records,
            bytes=self._bytes,
            templates=len(templates.texts),
            since=_moment(dated.begin if dated else None),
            until=_moment(dated.end - 1 if dated else None),
            baseline_since=_moment(dated.base if dated and dated.base < dated.begin else None),
            patterns=patterns,
            troubles=tuple(self._troubles),
            notes=tuple(self._notes(spans)),
        )

    def _count(
        self,
        source: str,
        data: Bytes,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        shapes: NDArray[np.int32],
    ) -> NDArray[np.int64]:
        """Count records by their time, or by their order in a source that has no times."""
        clock = self._clocks.setdefault(source, Clock(self._now, self._zone))
        before = clock.dated
        times = clock.times(data, starts, ends)
        if source not in self._ordered and (
            source in self._undated or clock.dated - before >= HARDLY_DATED * len(starts)
        ):
            self._undated.setdefault(source, 0)
            # What stands before the first time of all was written about then.
            times = np.where(times == UNKNOWN, times.max(initial=0), times)
            self._dated.add(shapes, times)
            self._note_seen(shapes, times)
            return times
        order = self._ordered.setdefault(source, Counts(64, None))
        times = np.arange(len(starts), dtype=np.int64) + order.last + 1
        order.add(shapes, times)
        return times

    def _note_seen(self, shapes: NDArray[np.int32], times: NDArray[np.int64]) -> None:
        missing = int(shapes.max()) + 1 - len(self._seen.first)
        if missing > 0:
            room = max(missing, len(self._seen.first))
            self._seen = _Seen(
                np.concatenate([self._seen.first, np.full(room, np.iinfo(np.int64).max)]),
                np.concatenate([self._seen.last, np.full(room, UNKNOWN)]),
            )
        np.minimum.at(self._seen.first, shapes, times)
        np.maximum.at(self._seen.last, shapes, times)

    def _spans(self) -> dict[str, Span]:
        """Return the span of each source that goes by order, and that of all others as ``""``."""
        spans = {}
        for source, counts in self._ordered.items():
            end = counts.last + 1
            begin = end - max(1, end * self._since // (self._since + self._baseline))
            spans[source] = Span(0, begin, end)
        if self._dated.first is not None:
            spans[""] = self._dated_span(self._dated.first)
        return spans

    def _dated_span(self, first: int) -> Span:
        width = self._dated.width
        until = int(self._now.timestamp()) if self._live else self._dated.last
        end = (until // width + 1) * width
        begin = end - self._since
        base = max(begin - self._baseline, first // width * width)
        return Span(min(base, begin), begin, end)

    def _tally(self, templates: Templates, spans: dict[str, Span]) -> Tally:
        total = nothing(len(templates.texts), RATES)
        for source, span in spans.items():
            counts = self._ordered.get(source, self._dated)
            one = tally(counts.cells(), templates.of_shape, span, counts.width, RATES)
            total = both(total, one)
        return total

    def _patterns(
        self, templates: Templates, added: Tally, begins: dict[str, int]
    ) -> tuple[Pattern, ...]:
        before = added.before + self._older(templates, begins)
        scores = surprise(added.window, added.expected, before)
        if not added.before.any():
            # Nothing to hold it against: what there is most of comes first.
            scores = np.log1p(added.window)
        some = np.argsort(-scores, kind="stable")[: max(LOOKED_AT, 4 * self._top)]
        errors = {int(k): speaks_of_error(templates.texts[k]) for k in some}
        ranked = sorted(errors, key=lambda k: -scores[k] * (ERROR if errors[k] else 1.0))
        shown = [k for k in ranked if added.window[k] or scores[k] < FADING][: self._top]
        compared = bool(added.before.any())
        starts = {source: begins.get(source, begins.get("", 0)) for source in self._clocks}
        return tuple(
            self._pattern(
                k,
                templates,
                added,
                float(scores[k]),
                starts,
                before=int(before[k]),
                error=errors[k],
                compared=compared,
            )
            for k in shown
        )

    def _older(self, templates: Templates, begins: dict[str, int]) -> NDArray[np.int64]:
        """Return by template 1 if it was seen before the window, also before the baseline."""
        shapes = np.flatnonzero(self._seen.last > UNKNOWN)
        shapes = shapes[self._seen.first[shapes] < begins.get("", 0)]
        times = np.bincount(templates.of_shape[shapes], minlength=len(templates.texts))
        return np.minimum(times, 1).astype(np.int64)

    def _pattern(
        self,
        number: int,
        templates: Templates,
        added: Tally,
        score: float,
        begins: dict[str, int],
        *,
        before: int,
        error: bool,
        compared: bool,
    ) -> Pattern:
        shapes = np.flatnonzero(templates.of_shape == number)
        wanted = templates.of_shape == number
        quoted = list(islice(self._recent.records(wanted, begins, QUOTED), QUOTED))
        if not quoted:
            quoted = [self._miner.exemplar(int(shape)) for shape in shapes[-QUOTED:]]
        count, expected = int(added.window[number]), float(added.expected[number])
        kind = novelty(count, expected, before=before) if compared else "usual"
        return Pattern(
            template=mask(templates.texts[number]),
            novelty=kind,
            score=round(score * (ERROR if error else 1.0), 3),
            count=count,
            expected=round(expected, 2),
            sample=readable(quoted[0])[:SAMPLE],
            first_seen=self._first_seen(shapes),
            last_seen=self._last_seen(shapes),
            rate=tuple(added.rates[number].tolist()),
            variables=variables(quoted, templates.texts[number]),
            error=error,
        )

    def _first_seen(self, shapes: NDArray[np.intp]) -> datetime | None:
        known = shapes[shapes < len(self._seen.first)]
        found = self._seen.first[known][self._seen.last[known] > UNKNOWN]
        return _moment(int(found.min())) if len(found) else None

    def _last_seen(self, shapes: NDArray[np.intp]) -> datetime | None:
        found = self._seen.last[shapes[shapes < len(self._seen.last)]]
        return _moment(int(found.max())) if len(found) and found.max() > UNKNOWN else None

    def _notes(self, spans: dict[str, Span]) -> list[str]:
        """Say what was assumed where the logs don't tell."""
        t, notes = self._t, []
        for source, clock in self._clocks.items():
            if source in self._ordered:
                share = round(100 * self._since / (self._since + self._baseline))
                told = N_(
                    "{source}: no times found; its last {share}% of records were held"
                    " against the rest"
                )
                notes.append(t(told, source=source, share=share))
            elif clock.zoned is False:
                told = N_("{source}: its times name no time zone and were read as {zone}")
                notes.append(t(told, source=source, zone=clock.zone.tzname(self._now) or "UTC"))
            if clock.ahead:
                told = N_("{source}: times ahead of now that were not believed: {count}")
                notes.append(t(told, source=source, count=f"{clock.ahead:,}"))
            if clock.guessed_year and source not in self._ordered:
                notes.append(
                    t(
                        N_("{source}: its times name no year; the latest that fits was taken"),
                        source=source,
                    )
                )
        span = spans.get("")
        if span is not None and self._dated.last < span.begin:
            notes.append(t(N_("nothing was written in the window: the latest record is older")))
        if span is not None and span.begin - span.base < min(self._baseline, self._since):
            told = N_(
                "there is hardly any baseline before the window: what is new can't be told well"
            )
            notes.append(t(told))
        return notes


def analyse(
    data: Iterable[tuple[str, Bytes]],
    *,
    now: datetime,
    since: timedelta = timedelta(minutes=15),
    baseline: timedelta = timedelta(hours=1),
    top: int = 10,
    zone: tzinfo = UTC,
    live: bool = False,
    lang: str = "en",
) -> Analysis:
    """Say what is new or spiking in ``data``: pairs of a source's name and a block of its records.

    The options are those of `Analyser`. Blocks hold whole records, as `bongsu.logs.blocks` gives.

    Raises:
        UnreadableLog: from ``data``, where it reads files.
    """
    analyser = Analyser(
        now=now, since=since, baseline=baseline, top=top, zone=zone, live=live, lang=lang
    )
    for source, block in data:
        analyser.feed(source, block)
    return analyser.analysis()


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
