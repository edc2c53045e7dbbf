"""What a rule of `bongsu.incident.decide` is given."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual
from bongsu.oncall import Shifts


class Case(NamedTuple):
    """Everything a rule may look at."""

    manual: Manual
    incident: Incident
    shifts: Shifts
    now: datetime
