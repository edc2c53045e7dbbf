"""A diagnosis as the engine has it done: the manual's checks, by this process's environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bongsu.engine.clock import Clock
from bongsu.engine.diagnosis import Asked, Diagnose
from bongsu.engine.verifier import AskQuiet, OnChecked, Verify
from bongsu.incident.report import Report
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.verification import VerificationCheck

VERIFICATION_FOLDER = "BONGSU_VERIFICATION_DIR"
"""the environment variable that says where the programs of a verification are run"""


def by_the_manual(clock: Clock, env: Mapping[str, str] | None = None) -> Diagnose:
    """Return what diagnoses; ``env`` has connection strings and addresses."""

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        # What looks at databases and clusters is large, and most processes never need it.
        from bongsu.actions.diagnosis import diagnose as look_at_all  # noqa: PLC0415
        from bongsu.actions.looking import LookContext  # noqa: PLC0415
        from bongsu.incident.diagnosis import Facts  # noqa: PLC0415

        context = LookContext(
            env=os.environ if env is None else env, now=clock.now, timeout_s=asked.deadline_s
        )
        facts = asked.facts or Facts(service=asked.service, started_at=asked.started_at)
        return await look_at_all(
            manual, facts=facts, context=context, deadline_s=asked.deadline_s,
            changes=asked.changes,
        )  # fmt: skip

    return diagnose


def verify_by_the_manual(clock: Clock, env: Mapping[str, str] | None = None) -> Verify:
    """Return what runs the checks of a recovery."""

    async def verify(
        checks: Mapping[str, VerificationCheck], quiet: AskQuiet, on_checked: OnChecked
    ) -> None:
        from bongsu.actions import verification  # noqa: PLC0415  large, and seldom needed

        variables = os.environ if env is None else env
        folder = variables.get(VERIFICATION_FOLDER)
        context = verification.CheckContext(
            variables, quiet, clock.now, Path(folder) if folder else None
        )
        await verification.verify(checks, context, on_checked)

    return verify
