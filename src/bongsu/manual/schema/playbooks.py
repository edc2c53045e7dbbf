"""playbooks/*.yaml: ordered steps that change a system, each with its guard and its way back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bongsu.manual.schema.base import (
    SEVERITY_LEVELS,
    Duration,
    Expression,
    Id,
    Model,
    SeverityLevel,
    Shorthand,
    Text,
)

Stage = Literal["immediate", "investigation", "recovery"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Parameter(Model):
    """A typed value that a run of the playbook is given; nothing else reaches a command.

    An ``address`` is an IPv4 or IPv6 address. Without a default it must be given. A step fills it
    in as ``{{ name }}``; ``{{ incident }}`` is the incident's number, without a parameter.
    """

    type: Literal["string", "integer", "number", "boolean", "address"] = "string"
    default: str | int | float | bool | None = None
    choices: list[str | int] | None = None
    pattern: str | None = None
    r"""what the whole value must match; ``\d`` and ``\w`` mean ASCII ones only"""
    minimum: float | None = None
    maximum: float | None = None
    means: Text | None = None


class Retry(Model):
    """How often a failed step is tried again, with the wait doubled each time."""

    times: int = Field(default=0, ge=0)
    wait: Duration = Field(default="5s", validate_default=True)


class StepBase(Model):
    """What all steps share."""

    name: Text
    when: Expression | None = None
    timeout: Duration = Field(default="1m", validate_default=True)
    retry: Retry = Retry()
    approve: Id | None = None
    """the role whose yes this step needs"""
    idempotent: bool = False
    """whether a step whose outcome is unknown may simply be run again"""
    before: list[Id] = Field(default_factory=list)
    """checks that must be healthy before the step"""
    after: list[Id] = Field(default_factory=list)
    """checks that must be healthy after the step"""
    required: bool = True
    """whether its failure ends the run; a step that only looks says false"""
    stage: Stage | None = None
    """the part of the procedure it belongs to, where that is not the playbook's ``stage``"""


class CommandStep(StepBase):
    """A program with its arguments; never a shell line."""

    kind: Literal["command"]
    argv: list[str]
    env: list[str] = Field(default_factory=list)
    """environment variables that the command may see; their values are masked in what it prints"""
    undo: list[str] | None = None
    """the program and its arguments that take the step back"""
    dry_run: list[str] | None = None
    """what a dry run runs instead, which must change nothing; without it a dry run only shows"""


class KubectlStep(StepBase):
    """kubectl with these arguments.

    A dry run asks the server by ``--dry-run=server`` wherever kubectl has it.
    """

    kind: Literal["kubectl"]
    args: list[str]
    service: Id | None = None
    """whose workload has the namespace"""
    namespace: str | None = None
    """the namespace, where it is not the one of the service's workload"""
    undo: list[str] | None = None
    """the arguments that take the step back"""


class HttpStep(StepBase):
    """One HTTP request; redirects are not followed."""

    kind: Literal["http"]
    method: Method = "POST"
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    """``env:NAME`` as a value is read from the environment of whatever runs the step"""
    body: str | None = None
    expect_status: list[int] = Field(default_factory=lambda: [200, 201, 202, 204])
    undo_url: str | None = None
    """where the request goes that takes the step back; without it, to the same address"""
    undo_method: Method | None = None
    """its method, where that is another one"""
    undo_body: str | None = None
    """its body; without it, it has none"""


class WaitStep(StepBase):
    """Let a change settle."""

    kind: Literal["wait"]
    duration: Duration


class CheckStep(StepBase):
    """Stop unless these checks are healthy."""

    kind: Literal["check"]
    checks: list[Id]


class HumanStep(StepBase):
    """Something a person does and then ticks off."""

    kind: Literal["human"]
    instruction: Text
    role: Id | None = None


class NotifyStep(StepBase):
    """Send a notice from a template."""

    kind: Literal["notify"]
    audience: Id
    template: Id


class SubPlaybookStep(StepBase):
    """Run another playbook's steps in this one's place, after the approval that it needs."""

    kind: Literal["playbook"]
    playbook: Id
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)


Step = Annotated[
    CommandStep
    | KubectlStep
    | HttpStep
    | WaitStep
    | CheckStep
    | HumanStep
    | NotifyStep
    | SubPlaybookStep,
    Field(discriminator="kind"),
]


def has_undo(step: Step) -> bool:
    """Say whether the manual says how this step is taken back."""
    match step:
        case CommandStep() | KubectlStep():
            return step.undo is not None
        case HttpStep():
            return (step.undo_url, step.undo_method, step.undo_body) != (None, None, None)
        case _:
            return False


def _human(text: str) -> dict[str, str]:
    """Take a plain line of a playbook for something that a person does."""
    return {"kind": "human", "name": text, "instruction": text}


class Automatic(Model):
    """When the playbook may start by itself, and how often before it escalates instead."""

    when: Expression
    at_most: int = Field(default=1, ge=1)
    per: Duration = Field(default="1h", validate_default=True)


class Playbook(Model):
    """Ordered steps for one kind of recovery (조치서)."""

    name: Text
    purpose: Text | None = None
    types: list[Id] = Field(default_factory=list)
    """incident types for which this is a first playbook"""
    severities: list[SeverityLevel] = Field(default=list(SEVERITY_LEVELS))
    stage: Stage = "immediate"
    parameters: dict[Id, Parameter] = Field(default_factory=dict)
    approve: Id | None = None
    """the role whose yes a run needs before its first step"""
    approve_within: Duration = Field(default="30m", validate_default=True)
    """an approval that nobody has given by then lapses, which is a no"""
    on_failure: Literal["undo", "stop"] = "undo"
    """whether a failure takes back what was done, the last step first, or leaves it as it is"""
    runner: Id | None = None
    """the worker (``bongsu worker --runner NAME``) that takes its steps; any worker without it"""
    lock: str | None = None
    """the target of which only one run at a time may change anything"""
    automatic: Automatic | None = None
    steps: list[Annotated[Step, Shorthand(_human)]]
    """a plain line is a step that a person does"""
