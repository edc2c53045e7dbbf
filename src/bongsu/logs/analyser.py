"""From bytes to what is remarkable in them: the way in to log analysis."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bongsu.i18n import N_, translator
from bongsu.logs.analysis import Analysis, Pattern
from bongsu.logs.counting import STEPS_A_WINDOW, Counts, Span, Tally, both, nothing, tally
from bongsu.logs.masking import mask
from bongsu.logs.miner import AHEAD, Begun, Miner, Templates
from bongsu.logs.novelty import ERROR, FADING, novelty, surprise
from bongsu.logs.quoting import SAMPLE, readable, speaks_of_error, variables
from bongsu.logs.recent import Page, Recent
from bongsu.logs.timeforms import UNKNOWN, Bytes
from bongsu.logs.timeline import Timeline
from bongsu.logs.timestamps import Clock

RATES = 24
"""steps of a pattern's rate picture"""
QUOTED = 500
"""records that a pattern's values are counted in"""
LOOKED_AT = 200
"""templates that are read for words of an error, per pattern asked for at least"""
HARDLY_DATED = 0.1
SHARED = ""
"""the timeline of all sources that name the day"""


class Analyser:
    """Takes blocks of log records as they come, and says in the end what is new or spiking.

    ``since`` is the length of the incident's window, ``baseline`` of what it is held against.
    ``now`` is needed for times without a year, and ``zone`` for those without a zone. ``live``
    means that the logs go up to ``now``; else the window ends with the latest record. A source with
    times of day only has a window of its own that ends with its latest record. Records of sources
    without any times are counted by their order: the window is the same share of them.
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
        self._begun: deque[tuple[str, Begun]] = deque()
        self._clocks: dict[str, Clock] = {}
        self._undated: dict[str, int] = {}
        self._timelines = {SHARED: self._timeline()}
        self._ordered: dict[str, Counts] = {}
        self._recent = Recent()
        self._lines = self._records = self._bytes = 0
        self._troubles: list[str] = []

    def feed(self, source: str, data: Bytes) -> None:
        """Take whole records of one source, in their order; the last may lack its line feed."""
        # The next blocks are looked through while one is counted.
        self._begun.append((source, self._miner.begin(data)))
        if len(self._begun) > AHEAD:
            self._take(*self._begun.popleft())

    def _take(self, source: str, begun: Begun) -> None:
        data, block = begun.data, self._miner.finish(begun)
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
        while self._begun:
            self._take(*self._begun.popleft())
        templates = self._miner.templates()
        spans = self._spans()
        added = self._tally(templates, spans)
        patterns = self._patterns(
            templates, added, {name: span.begin for name, span in spans.items()}
        )
        since, until, baseline_since = self._window(spans)
        return Analysis(
            sources=tuple(self._clocks),
            lines=self._lines,
            records=self._records,
            bytes=self._bytes,
            templates=len(templates.texts),
            since=since,
            until=until,
            baseline_since=baseline_since,
            patterns=patterns,
            troubles=tuple(self._troubles),
            notes=tuple(self._notes(spans)),
        )

    def _window(
        self, spans: dict[str, Span]
    ) -> tuple[datetime | None, datetime | None, datetime | None]:
        """Return when the window begins and ends, and the baseline begins, where they are one."""
        own = [name for name in self._timelines if name in spans]
        if not own or (len(own) > 1 and own[0] != SHARED):
            return None, None, None
        span, shift = spans[own[0]], self._shift(own[0])
        base = _moment(span.base + shift) if span.base < span.begin else None
        return _moment(span.begin + shift), _moment(span.end - 1 + shift), base

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
            name = source if clock.daily else SHARED
            self._timelines.setdefault(name, self._timeline()).add(shapes, times)
            return times
        order = self._ordered.setdefault(source, Counts(64, None))
        times = np.arange(len(starts), dtype=np.int64) + order.last + 1
        order.add(shapes, times)
        return times

    def _timeline(self) -> Timeline:
        return Timeline(self._since // STEPS_A_WINDOW, self._baseline + 2 * self._since)

    def _spans(self) -> dict[str, Span]:
        """Return the span of each source that goes by itself, and of all others as `SHARED`."""
        spans = {}
        for source, counts in self._ordered.items():
            end = counts.last + 1
            begin = end - max(1, end * self._since // (self._since + self._baseline))
            spans[source] = Span(0, begin, end)
        for name, timeline in self._timelines.items():
            if timeline.counts.first is not None:
                live = self._live and name == SHARED
                until = int(self._now.timestamp()) if live else timeline.counts.last
                spans[name] = timeline.span(self._since, self._baseline, until)
        return spans

    def _counts(self, name: str) -> Counts:
        return self._ordered[name] if name in self._ordered else self._timelines[name].counts

    def _tally(self, templates: Templates, spans: dict[str, Span]) -> Tally:
        total = nothing(len(templates.texts), RATES)
        for name, span in spans.items():
            counts = self._counts(name)
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
        starts = {source: begins.get(source, begins.get(SHARED, 0)) for source in self._clocks}
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
        older = np.zeros(len(templates.texts), np.int64)
        for name, timeline in self._timelines.items():
            older[templates.of_shape[timeline.before(begins.get(name, 0))]] = 1
        return older

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
        seen = self._seen(shapes)
        return Pattern(
            template=mask(templates.texts[number]),
            novelty=kind,
            score=round(score * (ERROR if error else 1.0), 3),
            count=count,
            expected=round(expected, 2),
            sample=readable(quoted[0])[:SAMPLE],
            first_seen=seen[0] if seen else None,
            last_seen=seen[1] if seen else None,
            rate=tuple(added.rates[number].tolist()),
            variables=variables(quoted, templates.texts[number]),
            error=error,
        )

    def _seen(self, shapes: NDArray[np.intp]) -> tuple[datetime, datetime] | None:
        """Return when the shapes were first and last seen, by any clock."""
        found = [
            (seen.first + self._shift(name), seen.last + self._shift(name))
            for name, timeline in self._timelines.items()
            if (seen := timeline.seen(shapes)) is not None
        ]
        if not found:
            return None
        return _moment(min(first for first, _ in found)), _moment(max(last for _, last in found))

    def _shift(self, name: str) -> int:
        """Return what to add to a timeline's times to have seconds since 1970."""
        if name == SHARED:
            return 0
        return self._clocks[name].since_1970(self._timelines[name].counts.last)

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
            elif clock.daily:
                told = N_(
                    "{source}: its times name no day; its latest record was taken to be of the last"
                    " 24 hours"
                )
                notes.append(t(told, source=source))
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
        span = spans.get(SHARED)
        if span is not None and self._timelines[SHARED].counts.last < span.begin:
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


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
