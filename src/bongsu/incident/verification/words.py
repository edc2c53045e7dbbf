"""The events of a verification as lines of the timeline."""

from __future__ import annotations

from typing import Literal

from bongsu.i18n import Translator
from bongsu.incident.verification.plan import every_check
from bongsu.incident.verification.reasons import OUTCOMES
from bongsu.incident.verification.state import VerificationEvent
from bongsu.incident.verification_events import VerificationDue, VerificationOverridden, Verified
from bongsu.manual.schema.document import Manual

Tone = Literal["check", "trouble"]


def said(body: VerificationEvent, manual: Manual, t: Translator) -> tuple[Tone, str]:
    """Say what happened, and whether it is trouble."""
    match body:
        case VerificationDue():
            names = ", ".join(check_name(one, manual, t) for one in body.checks)
            return "check", t("The recovery is being verified: {checks}", checks=names)
        case Verified():
            tone: Tone = "trouble" if body.outcome == "failed" else "check"
            name, outcome = check_name(body.check, manual, t), t(OUTCOMES[body.outcome])
            return tone, t("{check}: {outcome}", check=name, outcome=outcome)
        case VerificationOverridden():
            names = ", ".join(check_name(one, manual, t) for one in body.checks)
            return "trouble", t(
                "Resolved without these checks: {checks}. Reason: {reason}",
                checks=names, reason=body.reason,
            )  # fmt: skip


def check_name(check: str, manual: Manual, t: Translator) -> str:
    """Return a check's name for people; one that the manual does not know keeps its id."""
    known = every_check(manual).get(check)
    return known.name.in_(t.lang) if known else check
