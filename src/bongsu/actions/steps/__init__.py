"""The steps of playbooks, done one at a time: a file for each kind, one table of who does which.

Nothing here decides whether a step may be done, tries again or goes on: `bongsu.incident.runs`.
"""

from bongsu.actions.steps.outcome import OnOutput, Outcome, StepContext, StepOutcome
from bongsu.actions.steps.performing import perform, settled

__all__ = ["OnOutput", "Outcome", "StepContext", "StepOutcome", "perform", "settled"]
