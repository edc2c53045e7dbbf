"""Would the manual work? Everything that loading alone can't see: references, reach, sense.

Each module looks at one concern and yields problems with their path; `check` finds their lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bongsu.manual.check import (
    amounts,
    communication,
    conditions,
    diagnosis,
    escalation,
    oncall,
    people,
    playbooks,
    procedure,
    services,
    signals,
    texts,
    verification,
)
from bongsu.manual.load import read
from bongsu.manual.positions import NOWHERE, Places
from bongsu.manual.problems import ManualError, Problem
from bongsu.manual.schema.document import Manual

_CONCERNS: tuple[Callable[[Manual], Iterator[Problem]], ...] = (
    amounts.problems,
    people.problems,
    oncall.problems,
    services.problems,
    signals.problems,
    escalation.problems,
    procedure.problems,
    verification.problems,
    diagnosis.problems,
    playbooks.problems,
    communication.problems,
    conditions.problems,
    texts.problems,
)


def check(manual: Manual, places: Places = NOWHERE) -> list[Problem]:
    """Return everything that would keep the manual from working (errors) or as meant (warnings).

    ``places`` comes from `bongsu.manual.load.read`; without it, problems name their file alone.
    """
    return places.locate_all(problem for concern in _CONCERNS for problem in concern(manual))


def load_checked(folder: Path) -> tuple[Manual, list[Problem]]:
    """Read a manual that will work, and return it with its warnings.

    Raises:
        UnreadableManual: there is no manual, or it can't be opened.
        ManualError: it can't be read, or would not work.
    """
    manual, places = read(folder)
    found = check(manual, places)
    errors = [problem for problem in found if problem.level == "error"]
    if errors:
        raise ManualError(errors)
    return manual, found
