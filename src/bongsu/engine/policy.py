"""What decides at the moment: the manual, who is on call, and how signals are routed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import Override
from bongsu.oncall import Shifts
from bongsu.signals.routing import Router


class Policy(NamedTuple):
    """A manual with everything that is compiled from it; replaced as a whole, never changed."""

    manual: Manual
    shifts: Shifts
    router: Router
    zone: ZoneInfo
    """the manual's time zone"""


def compile_policy(manual: Manual, overrides: Sequence[Override] = ()) -> Policy:
    """Prepare a manual and the overrides that people made since for deciding."""
    return Policy(
        manual, Shifts(manual, overrides), Router(manual), ZoneInfo(manual.overview.timezone)
    )
