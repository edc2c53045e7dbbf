"""An incident diagnosed from a terminal: the server looks, keeps the report, and compares two."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest
from tests.e2e.programs import BONGSU, Bongsu
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow


async def test_an_incident_is_diagnosed_by_the_server_and_two_reports_are_compared(bongsu: Bongsu):
    opened = await bongsu.json("declare", "Search is slow", "-s", "P2", "--service", "search")
    which = str(opened["number"])
    shown = await _found(bongsu, which)
    assert "What to do next" in shown
    assert "set MONGODB_URL to its address" in shown
    in_short = await bongsu.run("show", which)
    assert "Last diagnosis" in in_short
    assert "What to do next" in await bongsu.run("show", which, "--report")
    compared = await _found(bongsu, which, "--compare", "before")
    assert "Since the former report" in compared
    looked = json.loads(await _found(bongsu, "redis", "--json"))
    assert looked["service"]["id"] == "redis"


async def _found(bongsu: Bongsu, *arguments: str) -> str:
    """Return what a diagnosis printed that did not find all healthy."""
    process = await asyncio.create_subprocess_exec(
        BONGSU, "diagnose", *arguments, env=bongsu.env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=bongsu.data,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")
    return out.decode()
