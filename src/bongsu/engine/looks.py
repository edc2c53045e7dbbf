"""Diagnosis and verification as the engine has them done, by this process's environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bongsu.engine.clock import Clock
from bongsu.engine.diagnosis import Asked, Diagnose
from bongsu.engine.looking_apart import encode_task
from bongsu.engine.verifier import AskQuiet, OnChecked, OnPrinted, Turn, Verify
from bongsu.incident.report import Report
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.verification import VerificationCheck

VERIFICATION_FOLDER = "BONGSU_VERIFICATION_DIR"
"""the environment variable that says where the programs of a verification are run"""
STARTS_WITHIN = 3.0
"""seconds that the process of a diagnosis has to start and to end"""
LARGEST_REPORT = 32 * 2**20
"""bytes"""


class LookingFailedError(RuntimeError):
    """The process of a diagnosis ended without a report."""


def by_the_manual(env: Mapping[str, str] | None = None) -> Diagnose:
    """Return what diagnoses, in a process of its own; ``env`` has connection strings and addresses.

    Beside the loop that pages people, a dozen checks would take its turns and its processor.
    """

    async def diagnose(manual: Manual, asked: Asked) -> Report:
        from bongsu.actions.programs import run  # noqa: PLC0415  seldom needed

        output = await run(
            [sys.executable, "-m", "bongsu.engine.looking_apart"],
            timeout_s=asked.deadline_s + STARTS_WITHIN,
            env=os.environ if env is None else env,
            stdin=encode_task(manual, asked),
            limit=LARGEST_REPORT,
        )
        if not output.ok:
            raise LookingFailedError(output.complaint)
        return msgspec.json.decode(output.out, type=Report)

    return diagnose


def verify_by_the_manual(clock: Clock, env: Mapping[str, str] | None = None) -> Verify:
    """Return what runs the checks of a recovery."""

    async def verify(
        checks: Mapping[str, VerificationCheck], quiet: AskQuiet, on_checked: OnChecked,
        on_printed: OnPrinted, turn: Turn,
    ) -> None:  # fmt: skip
        from bongsu.actions import verification  # noqa: PLC0415  large, and seldom needed

        variables = os.environ if env is None else env
        folder = variables.get(VERIFICATION_FOLDER)
        context = verification.CheckContext(
            variables, quiet, clock.now, Path(folder) if folder else None, on_printed, turn
        )
        await verification.verify(checks, context, on_checked)

    return verify
