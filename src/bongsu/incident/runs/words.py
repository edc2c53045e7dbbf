"""What happens to a run, in words: a line of the timeline for each of its events."""

from __future__ import annotations

from bongsu.i18n import N_, Translator
from bongsu.incident import run_events as r
from bongsu.incident.alert import Remark
from bongsu.incident.reasons import RUN_OUTCOMES, person_name
from bongsu.incident.runs.state import RunEvent
from bongsu.incident.times import moment
from bongsu.manual.schema.document import Manual

STEPS: dict[tuple[str, str], str] = {
    ("do", "done"): N_("Step {step} is done: {name}"),
    ("do", "failed"): N_("Step {step} failed: {name}"),
    ("do", "refused"): N_("Step {step} was not begun: {name}"),
    ("do", "skipped"): N_("Step {step} is left out: {name}"),
    ("do", "unknown"): N_("Nobody knows whether step {step} was done: {name}"),
    ("undo", "done"): N_("Step {step} is taken back: {name}"),
    ("undo", "failed"): N_("Step {step} could not be taken back: {name}"),
    ("undo", "refused"): N_("Step {step} was not taken back: {name}"),
    ("undo", "skipped"): N_("Step {step} stays as it is: {name}"),
    ("undo", "unknown"): N_("Nobody knows whether step {step} was taken back: {name}"),
}
ANSWERS: dict[str, str] = {
    "done": N_("{person} says that step {step} is done: {name}"),
    "again": N_("{person} has step {step} done again: {name}"),
    "skip": N_("{person} leaves step {step} out: {name}"),
    "stop": N_("{person} stops at step {step}: {name}"),
}


class RunReader:
    """Puts the events of runs into words; remembers what they are called."""

    def __init__(self, manual: Manual, t: Translator) -> None:
        self._manual, self._t = manual, t
        self._asked: dict[str, r.RunAsked] = {}
        self._over: set[str] = set()

    def read(self, body: RunEvent) -> tuple[bool, str]:  # noqa: C901, PLR0911, PLR0912  one exhaustive match
        """Return whether it is trouble, and the line."""
        t, name = self._t, self._name
        match body:
            case r.RunAsked():
                self._asked[body.run] = body
                if body.dry:
                    return False, t("Dry run of the playbook “{playbook}”", playbook=name(body.run))
                return False, t("The playbook “{playbook}” is to run", playbook=name(body.run))
            case r.StartDue():
                return False, t("“{playbook}” asks for its lock", playbook=name(body.run))
            case r.RunStarted():
                self._over.discard(body.run)
                return False, t("“{playbook}” has begun", playbook=name(body.run))
            case r.RunWaits():
                return False, t("“{playbook}” waits", playbook=name(body.run))
            case r.StartRefused():
                return True, t("“{playbook}” may not begin", playbook=name(body.run))
            case r.ApprovalAsked():
                role = self._manual.role_name(body.role).in_(t.lang)
                until = moment(body.until, self._manual.overview.timezone)
                what = self._of(body.run, body.step)
                return False, t(
                    "{role} is asked for a yes until {until}: {what}",
                    role=role, until=until, what=what,
                )  # fmt: skip
            case r.ApprovalGiven():
                return not body.yes, self._answered(body)
            case r.ApprovalLapsed():
                what = self._of(body.run, body.step)
                return True, t("Nobody answered in time, which is a no: {what}", what=what)
            case r.StepDue() | r.StepBegun():
                return False, self._begun(body)
            case r.StepEnded():
                return body.outcome not in ("done", "skipped"), self._ended(body)
            case r.StepAnswered():
                person = person_name(body.person, self._manual)
                text = self._step(ANSWERS[body.answer], body.run, body.step, person=person)
                return False, f"{text}: {body.note}" if body.note else text
            case r.PersonNeeded():
                return True, t("“{playbook}” needs a person", playbook=name(body.run))
            case r.StepTaken():
                return False, t("A worker has come for “{playbook}”", playbook=name(body.run))
            case r.RunStopping(undo=True):
                return False, t("“{playbook}” is to be taken back", playbook=name(body.run))
            case r.RunStopping() if body.run in self._over:
                text = t("“{playbook}” is not to be taken back after all", playbook=name(body.run))
                return False, text
            case r.RunStopping():
                return False, t("“{playbook}” is being stopped", playbook=name(body.run))
            case r.RunEnded():
                self._over.add(body.run)
                outcome = t(RUN_OUTCOMES[body.outcome])
                text = t("“{playbook}” {outcome}", playbook=name(body.run), outcome=outcome)
                return body.outcome != "succeeded", text

    def _name(self, run: str) -> str:
        asked = self._asked.get(run)
        known = self._manual.playbooks.get(asked.playbook) if asked else None
        return known.name.in_(self._t.lang) if known else asked.playbook if asked else run

    def _of(self, run: str, step: int) -> str:
        return self._name(run) if step < 0 else f"{self._name(run)}, {self._step_name(run, step)}"

    def _step_name(self, run: str, step: int) -> str:
        asked = self._asked.get(run)
        if asked is None or not 0 <= step < len(asked.steps):
            return str(step + 1)
        names = asked.steps[step].name
        return names.get(self._t.lang) or next(iter(names.values()), str(step + 1))

    def _step(self, text: str, run: str, step: int, **more: str) -> str:
        return self._t(text, step=step + 1, name=self._step_name(run, step), **more)

    def _begun(self, body: r.StepDue | r.StepBegun) -> str:
        if isinstance(body, r.StepBegun):
            return self._step(N_("Step {step} waits: {name}"), body.run, body.step)
        if body.direction == "undo":
            return self._step(N_("Taking step {step} back: {name}"), body.run, body.step)
        if body.attempt > 1:
            text = N_("Step {step}, attempt {attempt}: {name}")
            return self._step(text, body.run, body.step, attempt=str(body.attempt))
        return self._step(N_("Step {step}: {name}"), body.run, body.step)

    def _ended(self, body: r.StepEnded) -> str:
        text = self._step(STEPS[body.direction, body.outcome], body.run, body.step)
        return f"{text}: {Remark(body.says, body.values).says(self._t.lang)}" if body.says else text

    def _answered(self, body: r.ApprovalGiven) -> str:
        person = person_name(body.person, self._manual)
        text = N_("{person} approves: {what}") if body.yes else N_("{person} refuses: {what}")
        said = self._t(text, person=person, what=self._of(body.run, body.step))
        return f"{said}: {body.note}" if body.note else said
