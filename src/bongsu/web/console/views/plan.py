"""What a run would do, shown before it is asked for in earnest; and whether it was shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from bongsu.engine.policy import Policy
from bongsu.incident import commands as c
from bongsu.incident import run_events as r
from bongsu.incident.runs.steps import step_of
from bongsu.incident.state import Incident
from bongsu.web.api.playbook_views import PlaybookStepView, named_role, step_view
from bongsu.web.api.playbooks import Asking
from bongsu.web.api.views import Named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.i18n import Translator
    from bongsu.manual.schema.document import Manual

ONLY_LOOKS = ("check", "wait", "human")
"""kinds of steps that change nothing by themselves; a run of these alone needs no second look"""


@dataclass(frozen=True)
class PlanShown:
    """A run as it would be: every argument filled in, sub-playbooks laid out in one line."""

    playbook: Named
    parameters: Mapping[str, str | int | float | bool]
    lock: str | None
    approve: Named | None
    """whose yes the run as a whole needs"""
    steps: tuple[PlaybookStepView, ...]
    mark: str
    """what tells that exactly this was shown"""


class NotShownError(Exception):
    """Nobody was shown yet what this run would do, or it would do something else by now."""

    def __init__(self, asked: r.RunAsked, incident: Incident) -> None:
        super().__init__(asked.playbook)
        self.asked, self.incident = asked, incident


class AskingAsShown(Asking):
    """Asks for a run that changes something only where it is exactly what the person was shown."""

    def __init__(self, playbook: str, given: dict[str, object], *, dry: bool, shown: str) -> None:
        super().__init__(playbook, given, dry=dry)
        self._shown = shown

    def __call__(self, policy: Policy, incident: Incident, now: datetime) -> c.Bodies:
        """Return the events.

        Raises:
            NotShownError: it is something else, or was not shown at all.
        """
        bodies = super().__call__(policy, incident, now)
        asked = next(body for body in bodies if isinstance(body, r.RunAsked))
        if not asked.dry and _changes_something(asked) and _mark(asked) != self._shown:
            raise NotShownError(asked, incident)
        return bodies


def _changes_something(asked: r.RunAsked) -> bool:
    return any(step_of(one).kind not in ONLY_LOOKS for one in asked.steps)


def _mark(asked: r.RunAsked) -> str:
    """Return the same for runs that do the same, whatever they are called."""
    nameless = msgspec.structs.replace(asked, run="")
    return hashlib.sha256(msgspec.json.encode(nameless)).hexdigest()[:32]


def plan_shown(asked: r.RunAsked, manual: Manual, t: Translator) -> PlanShown:
    """Show what a run would do."""
    playbook = manual.playbooks[asked.playbook]
    steps = enumerate(asked.steps)
    return PlanShown(
        Named(asked.playbook, playbook.name.in_(t.lang)), asked.parameters, asked.lock,
        named_role(asked.approve, manual, t),
        tuple(step_view(number, step_of(one), playbook, manual, t) for number, one in steps),
        _mark(asked),
    )  # fmt: skip
