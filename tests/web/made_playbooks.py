"""Playbooks for the tests of their faces, and a process that runs them with a test's hands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from tests import waiting
from tests.engine.house import FakeHands
from tests.web.site import Site, seed

from bongsu.engine.effects import Asked, Start, StepWork
from bongsu.engine.policy import Policy, compile_policy
from bongsu.engine.stepper import Stepper
from bongsu.manual.schema.document import Manual

APPROVER = "pm"
"""above the technical lead in the seed's organisation"""


def command(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "command", "argv": [name, "--now"], **more}


PLAYBOOKS: dict[str, Any] = {
    "scale": {
        "name": {"ko": "파드 증설", "en": "Scale up"},
        "purpose": {"ko": "파드를 늘려요", "en": "Adds pods"},
        "types": ["infinite_loop"],
        "lock": "deployment/korea-backend",
        "parameters": {
            "replicas": {"type": "integer", "default": 10, "minimum": 1, "maximum": 20,
                         "means": {"ko": "파드 수", "en": "Number of pods"}},
            "zone": {"choices": ["a", "b"], "default": "a"},
            "urgent": {"type": "boolean", "default": False},
        },
        "steps": [
            {"name": {"ko": "증설", "en": "scale"}, "kind": "kubectl", "service": "korea-backend",
             "args": ["scale", "deployment/korea-backend", "--replicas={{ replicas }}"],
             "undo": ["scale", "deployment/korea-backend", "--replicas=3"]},
            command("look"),
        ],
    },
    "restart": {
        "name": {"ko": "재시작", "en": "Restart"},
        "types": ["memory_leak"],
        "steps": [
            command("first", undo=["first", "--back"]),
            command("bounce", approve="technical_lead"),
            {"name": {"ko": "확인", "en": "see"}, "kind": "human",
             "instruction": {"ko": "대시보드를 보세요", "en": "Look at the dashboard"}},
        ],
    },
    "guarded": {"name": "Guarded", "approve": "technical_lead", "steps": [command("guard")]},
    "node": {
        "name": "Node",
        "parameters": {"node": {"pattern": "^[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?$"}},
        "steps": [command("drain")],
    },
}  # fmt: skip


def with_playbooks(whole: Manual | None = None, **more: Any) -> Manual:
    """Return the seed's manual with these playbooks in the place of its own."""
    document = (whole or seed()).model_dump(by_alias=True, exclude={"sha", "playbooks"})
    document["playbooks"] = {**PLAYBOOKS, **more}
    document["sha"] = f"{seed().sha}-playbooks-{len(more)}"
    return Manual.model_validate(document)


@cache
def usual() -> Policy:
    """Return what decides with these playbooks alone."""
    return compile_policy(with_playbooks())


def policy(**more: Any) -> Policy:
    return compile_policy(with_playbooks(**more)) if more else usual()


@asynccontextmanager
async def equipped(site: Site, hands: FakeHands, **more: Any) -> AsyncIterator[FakeHands]:
    """Let a site's engine do its steps at once, with these hands."""
    engine = site.engine
    engine.policy = policy(**more)
    stepper = Stepper(engine, hands, "one")

    def begin(asked: Sequence[Asked]) -> None:
        for effect, wanted in asked:
            assert isinstance(wanted, Start | StepWork)
            stepper.begin(effect, wanted)

    engine.takes = lambda asked: [one for one in asked if isinstance(one.wanted, Start | StepWork)]
    engine.hand_over = begin
    yield hands
    await stepper.close()


async def until(api: Any, path: str, what: str, value: object) -> dict[str, Any]:
    """Ask for a run until it stands as a test waits for."""
    found: dict[str, Any] = await waiting.until(
        lambda: api.get(path), lambda run: run[what] == value
    )
    return found


async def until_step(api: Any, path: str, step: int, state: str) -> dict[str, Any]:
    """Ask for a run until one of its steps stands as a test waits for."""
    found: dict[str, Any] = await waiting.until(
        lambda: api.get(path), lambda run: run["steps"][step]["state"] == state
    )
    return found
