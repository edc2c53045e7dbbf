"""What looks mean together: which are wanted, what is affected, the rules, the report. Pure.

`bongsu.actions.diagnosis` does the looking; `assemble` makes the report of what came of it, and
`compare` holds two reports against each other.
"""

from __future__ import annotations

from bongsu.incident.diagnosis.assembly import assemble
from bongsu.incident.diagnosis.comparison import Comparison, compare
from bongsu.incident.diagnosis.facts import Facts
from bongsu.incident.diagnosis.wanted import wanted

__all__ = ["Comparison", "Facts", "assemble", "compare", "wanted"]
