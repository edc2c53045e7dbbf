"""One incident from its first word to its audit, by a responder at a terminal."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest
from tests.channels.email.mailserver import MailServer
from tests.e2e.programs import BONGSU, Bongsu, eventually
from tests.e2e.rotation import mailbox, primary_now
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

KINDS = {
    "opened", "paged", "delivered", "acknowledged", "confirmed", "role_assigned",
    "severity_changed", "checklist_ticked", "note_added", "recovered", "verification_due",
    "verification_overridden", "resolved",
}  # fmt: skip
"""what must stand on the timeline in the end"""
FOLLOW_UPS = {"notice_due", "delivery_due", "delivered", "diagnosed", "verified"}
"""what may be told after the end: notices of it, and what was under way before"""


async def test_a_responder_leads_an_incident_from_the_terminal(
    bongsu: Bongsu, mail: MailServer
) -> None:
    assert "No incident is open" in await bongsu.run("list")
    primary = await primary_now()
    on_call = {turn["slot"]["id"]: turn["person"]["id"] for turn in await _turns(bongsu)}
    assert on_call["primary"] == primary

    opened = await bongsu.json("declare", "Search is down", "-s", "P1", "--service", "search")
    which = str(opened["id"])
    follower = await _following(bongsu, which)
    await eventually(lambda: _paged(mail, primary), f"a page of {primary}")
    shown = await bongsu.run("show", which)
    assert "Acknowledge the call" in shown

    assert "nobody has acknowledged" in await bongsu.run("unack", which, code=1)
    steps: list[tuple[list[str], str]] = [
        (["ack", which], "detected"),
        (["confirm", which, "-m", "users see errors"], "verified"),
        (["assign", which, "incident_commander", "pm"], "responding"),
        (["assign", which, "technical_lead", "senior-dev"], "responding"),
        (["severity", which, "p0", "-m", "everything is down"], "responding"),
        (["tick", which, "first_look", "0"], "responding"),
        (["note", which, "the connection pool is full"], "responding"),
        (["recovery", which], "recovering"),
        (["recovered", which], "monitoring"),
    ]
    for arguments, phase in steps:
        assert (await bongsu.json(*arguments))["phase"] == phase, arguments

    stands = await bongsu.json("verify", which, "--show", "--no-wait")
    assert "smoke:user_login" in stands["unverified"]
    assert "User login" in await bongsu.run("resolve", which, "-m", "pool enlarged", code=1)
    override = ["resolve", which, "-m", "pool enlarged", "--override", "no tests are here"]
    assert (await bongsu.json(*override))["phase"] == "resolved"

    told = [json.loads(line) for line in (await _output(follower)).splitlines()]
    entries = (await bongsu.json("timeline", which))["entries"]
    kinds = [entry["kind"] for entry in entries]
    assert set(kinds) >= KINDS, kinds
    assert told == entries[: len(told)]
    after = kinds[kinds.index("resolved") + 1 : len(told)]
    assert "resolved" in kinds[: len(told)]
    assert set(after) <= FOLLOW_UPS, after

    audited = await bongsu.json("audit")
    assert (audited["entries"] >= len(entries), audited["altered"]) == (True, [])
    assert "No incident is open" in await bongsu.run("list")
    assert "Search is down" in await bongsu.run("list", "--all")


async def _turns(bongsu: Bongsu) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = (await bongsu.json("oncall"))["turns"]
    return found


async def _following(bongsu: Bongsu, which: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        BONGSU, "timeline", which, "--follow", "--json", env=bongsu.env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip


async def _output(process: asyncio.subprocess.Process) -> str:
    """Return everything that was printed; following ends by itself when the incident does."""
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def _paged(mail: MailServer, person: str) -> bool:
    return mailbox(person) in mail.recipients
