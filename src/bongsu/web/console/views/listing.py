"""The list of incidents: what is asked for, and how it is put in order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from bongsu.incident.phases import Phase
from bongsu.manual.schema.base import SEVERITY_LEVELS
from bongsu.store.reading import Wanted

LONGEST_QUERY = 200


@dataclass(frozen=True)
class Filter:
    """What the reader asked for; empty asks for nothing in particular."""

    state: str = ""
    severity: str = ""
    phase: str = ""
    service: str = ""
    q: str = ""

    @property
    def narrow(self) -> bool:
        """Whether anything is filtered at all."""
        return any((self.state, self.severity, self.phase, self.service, self.q))

    def wanted(self, *, open_: bool | None = None, severity: str = "") -> Wanted:
        """Return it as the database is asked."""
        state = {"open": True, "ended": False}.get(self.state)
        severity = severity or self.severity
        return Wanted(
            open=state if open_ is None else open_,
            phases=(self.phase,) if self.phase else (),
            severities=(severity,) if severity else (),
            service=self.service or None,
            text=self.q or None,
        )

    def address(self, **more: str) -> str:
        """Return the list's address with this filter."""
        values = {**vars(self), **more}
        query = urlencode({name: value for name, value in values.items() if value})
        return f"/incidents?{query}" if query else "/incidents"


def asked(query: Mapping[str, str], services: Iterable[str]) -> Filter:
    """Read a filter; what makes no sense is left out."""
    return Filter(
        state=_one_of(query.get("state", ""), ("open", "ended")),
        severity=_one_of(query.get("severity", ""), SEVERITY_LEVELS),
        phase=_one_of(query.get("phase", ""), [phase.value for phase in Phase]),
        service=_one_of(query.get("service", ""), services),
        q=_searched(query.get("q", "")),
    )


def _one_of(value: str, known: Iterable[str]) -> str:
    return value if value in known else ""


def _searched(text: str) -> str:
    """A search as the database has it: composed letters (NFC), no NUL, one space between words."""
    composed = unicodedata.normalize("NFC", text.replace("\0", ""))
    return " ".join(composed.encode("utf-8", "ignore").decode().split())[:LONGEST_QUERY]
