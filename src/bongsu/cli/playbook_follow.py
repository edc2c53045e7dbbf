"""Follows a run on a terminal: each step with its outcome and output as it comes.

Where the run waits for a person, it shows the command that answers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import httpx
from rich.padding import Padding
from rich.text import Text

from bongsu.cli.connection import client, find_server, refuse
from bongsu.cli.playbook_view import print_head, print_step
from bongsu.cli.printing import Json, console, t
from bongsu.i18n import N_

PAUSE = 0.4
"""seconds between two looks"""
ENDS = ("done", "failed", "refused", "skipped", "unknown", "undone", "undo_failed", "undo_unknown",
        "denied")  # fmt: skip
ASKS = ("approval", "person", "unknown", "undo_unknown")
"""states in which a person is waited for"""


class Following:
    """One run, and what of it was shown already."""

    def __init__(self, incident: str, run: str, *, quiet: bool = False) -> None:
        self._path = f"/incidents/{incident}/runs/{run}"
        self._incident, self._run, self._quiet = incident, run, quiet
        self._server = find_server()
        self._printed: dict[tuple[int, str, int], str] = {}
        self._said: set[str] = set()

    def to_its_end(self) -> Json:
        """Show what happens until the run is over; returns the run as it ended."""
        with client(self._server) as http:
            first = True
            for view in self._views(http):
                if not self._quiet:
                    if first:
                        print_head(view)
                    self._show(http, view)
                first = False
                if view["outcome"] and view["phase"] == "ended":
                    if not self._quiet:
                        print_head(view)
                    return view
        raise AssertionError

    def _views(self, http: httpx.Client) -> Iterator[Json]:
        """Yield the run again and again; a server that went away is asked again."""
        gone = False
        while True:
            try:
                response = http.get(self._path)
                if not response.is_success:
                    refuse(response, self._server)
                gone = False
                yield response.json()
            except httpx.TransportError:
                if not gone:
                    url = self._server.url
                    print(t("{url} went away; trying again", url=url), file=sys.stderr)
                gone = True
            time.sleep(PAUSE)

    def _show(self, http: httpx.Client, view: Json) -> None:
        if view["approval"] and view["approval"]["yes"] is None and not view["outcome"]:
            self._once("run", self._how_to_approve(view["approval"]))
        if view["waits_until"] and view["lock"]:
            self._once("lock", t("another run has {lock}", lock=view["lock"]))
        for step in view["steps"]:
            self._output(http, step)
            key = f"{step['step']} {step['state']} {step['attempt']} {step['ended_at']}"
            if step["state"] in ENDS + ASKS and key not in self._said:
                self._said.add(key)
                print_step(step)
                if step["state"] in ASKS:
                    self._how_to_answer(step)
        if not _asks(view):
            for text in view["waits"]:
                self._once(text, text)

    def _once(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            console.print(Text.assemble(("  ⏸ ", "bold yellow"), (text, "yellow")))

    def _how_to_approve(self, approval: Json) -> str:
        command = f"bongsu playbook approve {self._run} --incident {self._incident}"
        text = N_("waits for the yes of {role}: {command}")
        return t(text, role=approval["role"]["name"], command=command)

    def _how_to_answer(self, step: Json) -> None:
        """Say which command answers, for whoever reads this."""
        if step["state"] == "approval":
            text = self._how_to_approve(step["approval"])
        else:
            what = f" ({step['does']})" if step["kind"] == "human" else ""
            words = "|".join(step["answers"])
            command = f"bongsu playbook answer {self._run} {words} --incident {self._incident}"
            text = t("waits for a person{what}: {command}", what=what, command=command)
        console.print(Padding(Text(text, "yellow"), (0, 0, 0, 7), expand=False))

    def _output(self, http: httpx.Client, step: Json) -> None:
        """Print what is new of a step's output."""
        for one in step["outputs"]:
            key = (step["step"], one["direction"], one["attempt"])
            known = self._printed.get(key, "")
            if one["size"] == len(known):
                continue
            text = self._whole(http, step, one) if one["cut"] else str(one["text"])
            fresh = text[len(known) :] if text.startswith(known) else f"…\n{text[-2000:]}"
            self._printed[key] = text
            for line in fresh.splitlines():
                console.print(Padding(Text(f"│ {line}", "dim"), (0, 0, 0, 5), expand=False))

    def _whole(self, http: httpx.Client, step: Json, output: Json) -> str:
        response = http.get(f"{self._path}/steps/{step['step']}/output")
        found = response.json()["outputs"] if response.is_success else []
        same = ("direction", "attempt")
        for one in found:
            if all(one[name] == output[name] for name in same):
                return str(one["text"])
        return str(output["text"])


def _asks(view: Json) -> bool:
    """Whether what is waited for was shown with the command that answers it."""
    approval = view["approval"] is not None and view["approval"]["yes"] is None
    return approval or any(one["state"] in ASKS for one in view["steps"])
