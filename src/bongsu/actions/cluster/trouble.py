"""A kind of trouble: what it is called, how grave it is, and how a person reads it."""

from __future__ import annotations

from typing import NamedTuple

from bongsu.actions.probes.outcome import found, said
from bongsu.incident.report import Evidence, Finding, Verdict


class Trouble(NamedTuple):
    """One line of a reader's table."""

    code: str
    verdict: Verdict
    weight: float
    text: str
    """of the catalogue, with the reader's values"""

    def of(
        self, subject: str, evidence: Evidence, *, share: float = 1.0, **values: object
    ) -> Finding:
        """Make a finding; the larger the share of a workload that has it, the more it tells."""
        weight = round(self.weight * (0.7 + 0.3 * share), 3)
        says = said(self.text, **values)
        return found(
            self.code, self.verdict, says, weight=weight, subject=subject, evidence=evidence
        )
