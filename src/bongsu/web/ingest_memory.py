"""Remembers how a Prometheus's alerts were read: it sends the same ones again every minute.

Nothing but the end of an alert differs then, so what was made of its words is used once more.
What isn't simply firing is not remembered, and nothing is decided here: a signal with anything
unusual in it is read anew, as a whole, by the one who knows what to say of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bongsu.signals.formats import prometheus
from bongsu.signals.formats.decoding import may_hold_nul
from bongsu.signals.formats.labelled import Reading
from bongsu.store.alert_rows import Row, repeated, to_row

MOST_ROWS = 8_192
MOST_BYTES = 8 * 2**20
"""alerts, and bytes of their words, of one generation; two of them are remembered"""


class Memory:
    """What was made of the words of one integration's alerts."""

    def __init__(self, integration: str) -> None:
        self._integration = integration
        self._young: dict[bytes, Row] = {}
        self._old: dict[bytes, Row] = {}
        self._bytes = 0

    def read(self, raw: bytes, now: datetime) -> list[Row] | None:
        """Return the rows of a signal in which every alert is as usual; None for any other."""
        items = prometheus.hear(raw)
        if items is None:
            return None
        reading = Reading.at(now, tidy=True, nul=may_hold_nul(raw))
        return self._rows(items, reading)

    def _rows(self, items: Sequence[prometheus.Heard], reading: Reading) -> list[Row] | None:
        rows, young = [], self._young
        now, farthest, oldest = reading.now, reading.farthest, reading.oldest.timestamp()
        for item in items:
            words, ends = item.words, item.ends_at
            row = young.get(words) or self._recalled(words)
            if row is None:
                row = self._learnt(words, item, reading)
                young = self._young
                if row is None:
                    return None
            elif ends is None or not now < ends <= farthest or (row.starts_at or 0.0) < oldest:
                return None
            else:
                row = repeated(row, ends)
            rows.append(row)
        return rows

    def _recalled(self, words: bytes) -> Row | None:
        """Look among what has not been heard of for long."""
        row = self._old.get(words)
        if row is not None:
            self._remember(words, row)
        return row

    def _learnt(self, words: bytes, item: prometheus.Heard, reading: Reading) -> Row | None:
        alert = prometheus.read_heard(item, reading)
        if alert is None:
            return None
        row = to_row(self._integration, alert)
        self._remember(words, row)
        return row

    def _remember(self, words: bytes, row: Row) -> None:
        self._young[words] = row
        self._bytes += len(words)
        if len(self._young) >= MOST_ROWS or self._bytes >= MOST_BYTES:
            self._old, self._young, self._bytes = self._young, {}, 0
