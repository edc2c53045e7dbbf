"""``human`` and ``notify``: no worker does them; a dry run says what would be asked or sent."""

from __future__ import annotations

from bongsu.actions.steps.outcome import StepContext, StepOutcome, done, refused
from bongsu.actions.steps.showing import Shown
from bongsu.i18n import N_
from bongsu.incident.both import in_both
from bongsu.manual.schema.base import Text
from bongsu.manual.schema.playbooks import HumanStep, NotifyStep

NOT_OURS = N_("this step is not for a worker")


def not_ours() -> StepOutcome:
    """Say that somebody else does it."""
    return refused(NOT_OURS)


def asked(step: HumanStep, context: StepContext, shown: Shown) -> StepOutcome:
    """Say who would be asked for what."""
    shown.line(step.instruction.in_(context.look.lang))
    if step.role is None:
        return done(N_("a person would be asked"))
    return done(N_("{role} would be asked"), role=_both(context.manual.role_name(step.role)))


def sent(step: NotifyStep, context: StepContext, shown: Shown) -> StepOutcome:
    """Say what would be sent to whom; its blanks are filled in when it is sent."""
    plan = context.manual.communication
    audience, template = plan.audiences.get(step.audience), plan.templates.get(step.template)
    shown.line(context.manual.template_text(step.template) or step.template)
    return done(
        N_("“{template}” would be sent to {audience}"),
        template=_both(template.name) if template else step.template,
        audience=_both(audience.name) if audience else step.audience,
    )


def _both(text: Text) -> str:
    return in_both({"ko": text.ko, "en": text.en})
