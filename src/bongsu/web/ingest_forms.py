"""The forms of signal whose sender is known by the request, each with what it is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from bongsu.manual.schema.signals import SignalFormat
from bongsu.signals.alert import Parsed
from bongsu.signals.formats import alertmanager, generic, prometheus
from bongsu.store.alert_rows import Row, to_row
from bongsu.web import alertmanager_api
from bongsu.web.ingest_http import Answer, address, credentials, problem
from bongsu.web.ingest_memory import Memory


class Form(NamedTuple):
    """A form of signal, how it is read and what is said of it."""

    format: SignalFormat
    parse: Callable[[bytes, datetime], Parsed]
    accepted: Callable[[Parsed], Answer]
    refused: Callable[[Parsed, str], Answer]
    """what to say, in a language, of a signal of which at least something was refused"""


class Usual(NamedTuple):
    """A signal in which nothing is wrong: what to keep, and the answer once that is durable."""

    rows: list[Row]
    answer: Answer


def _accepted(parsed: Parsed) -> Answer:
    keys = [alert.key for alert in parsed.alerts[:100]]
    return Answer(200, msgspec.json.encode({"kept": len(parsed.alerts), "keys": keys}))


def _refused(parsed: Parsed, lang: str) -> Answer:
    return problem(parsed.refused, lang, kept=len(parsed.alerts))


FORMS = {
    "/api/v2/alerts": Form(
        "prometheus", prometheus.parse, alertmanager_api.accepted, alertmanager_api.refused
    ),
    "/alertmanager": Form("alertmanager", alertmanager.parse, _accepted, _refused),
    "/signal": Form("generic", generic.parse, _accepted, _refused),
}


@lru_cache(1024)
def addressed(url: bytes, authorization: bytes) -> tuple[Form | None, str | None]:
    """Say which form is posted to an address as it stands in a request, and with which key."""
    key, path = address(url.decode("latin-1"))
    return FORMS.get(path), key or (credentials(authorization) if authorization else None)


class Reader:
    """Reads the signals of those who are known."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}

    def read(self, form: Form, integration: str, raw: bytes, now: datetime) -> Usual | None:
        """Read a signal without faults; None for one in which something must be refused."""
        if form.format == "prometheus":
            rows = self._memory(integration).read(raw, now)
            if rows is not None:
                return Usual(rows, alertmanager_api.OK)
        parsed = form.parse(raw, now)
        if parsed.refused:
            return None
        rows = [to_row(integration, alert) for alert in parsed.alerts]
        return Usual(rows, form.accepted(parsed))

    def _memory(self, integration: str) -> Memory:
        memory = self._memories.get(integration)
        if memory is None:
            memory = self._memories[integration] = Memory(integration)
        return memory
