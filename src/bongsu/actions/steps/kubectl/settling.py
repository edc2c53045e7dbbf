"""Was it done? What the cluster itself can tell of a change whose outcome nobody knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bongsu.actions.cluster.objects import Workload
from bongsu.actions.steps.kubectl.running import Kubectl
from bongsu.actions.steps.kubectl.verbs import DRY_RUN, option, with_option, words

UNCHANGED = {
    "patch": re.compile(r"\(no change\)|patched \(no change\)"),
    "label": re.compile(r"not labeled"),
    "cordon": re.compile(r"already cordoned"),
    "uncordon": re.compile(r"already uncordoned"),
    "apply": re.compile(r"unchanged"),
}
"""how a dry run says that everything is as it would be made"""
RESTATES = frozenset(("image", "env", "resources"))
"""``kubectl set`` prints nothing where nothing changes"""


async def is_done(args: Sequence[str], kubectl: Kubectl, timeout_s: float) -> bool | None:
    """Say whether the cluster is as this command would make it; None where it can't tell.

    A change that is no state, such as a restart or the deletion of pods that come back, can't be
    seen afterwards.
    """
    match words(args):
        case ["scale", *objects] if objects and not _chooses(args):
            return await _scaled(objects, args, kubectl, timeout_s)
        case [verb, *_] if verb in UNCHANGED:
            return await _unchanged(UNCHANGED[verb], args, kubectl, timeout_s)
        case ["set", what, *_] if what in RESTATES:
            return await _unchanged(None, args, kubectl, timeout_s)
        case ["delete", _, *_] if not _chooses(args):
            output = await kubectl.ask(with_option(args, DRY_RUN), timeout_s)
            return True if "(NotFound)" in output.complaint else None
        case ["rollout", "undo", *_] if option(args, "--to-revision") not in (None, "0"):
            return await _rolled_back(args, kubectl, timeout_s)
        case _:
            return None


def _chooses(args: Sequence[str]) -> bool:
    return any(option(args, name) is not None for name in ("-l", "--selector")) or "--all" in args


async def _scaled(
    objects: Sequence[str], args: Sequence[str], kubectl: Kubectl, timeout_s: float
) -> bool | None:
    wanted = option(args, "--replicas")
    if len(objects) > 1 and "/" in objects[0]:
        return None
    workload = await kubectl.read(["get", *objects], Workload, timeout_s)
    if workload is None or wanted is None or not wanted.isdecimal():
        return None
    return bool(workload.spec.replicas == int(wanted))


async def _unchanged(
    says_so: re.Pattern[str] | None, args: Sequence[str], kubectl: Kubectl, timeout_s: float
) -> bool | None:
    output = await kubectl.ask(with_option(args, DRY_RUN), timeout_s)
    if not output.ok:
        return None
    lines = output.text.strip().splitlines()
    if says_so is None:
        return not lines
    return all(says_so.search(line) for line in lines) if lines else None


async def _rolled_back(args: Sequence[str], kubectl: Kubectl, timeout_s: float) -> bool | None:
    """A revision that was gone back to has a new number, so one that is missing tells nothing."""
    output = await kubectl.ask(with_option(args, DRY_RUN), timeout_s)
    if not output.ok:
        return None
    return "skipped rollback" in output.text
