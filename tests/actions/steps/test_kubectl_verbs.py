"""Which commands have a dry run is kubectl's own to say."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime

import pytest

from bongsu.actions.steps.kubectl.verbs import (
    DRY_RUN,
    WITH_DRY_RUN,
    dry,
    only_reads,
    option,
    own_timeout_s,
    words,
)

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
OF_SET = ("image", "env", "resources", "selector", "serviceaccount", "subject")


def has_dry_run(*command: str) -> bool:
    run = subprocess.run(
        ["kubectl", *command, "--help"], env={"PATH": os.environ["PATH"], "HOME": "/nowhere"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return "--dry-run=" in run.stdout


@pytest.mark.parametrize("verb", sorted(WITH_DRY_RUN - {"set"}))
def test_kubectl_has_a_dry_run_of_what_we_ask_for_one(verb: str):
    assert has_dry_run(verb)


def test_kubectl_has_one_of_every_set_and_of_undo():
    assert all(has_dry_run("set", what) for what in OF_SET)
    assert has_dry_run("rollout", "undo")


@pytest.mark.parametrize("verb", ["restart", "pause", "resume"])
def test_kubectl_has_none_of_the_others_so_they_are_asked_for_as_patches(verb: str):
    assert not has_dry_run("rollout", verb)
    asked = dry(["rollout", verb, "deployment/x"], NOW)
    assert asked is not None
    assert asked[:2] == ["patch", "deployment/x"]
    assert asked[-1] == DRY_RUN


@pytest.mark.parametrize(
    ("args", "reads"),
    [
        ("get pods", True), ("-n x get pods", True), ("rollout status d/x", True),
        ("rollout history d/x", True), ("rollout undo d/x", False), ("rollout", False),
        ("exec d/x -- rm get", False), ("delete pods get", False), ("scale d/x", False),
        ("cluster-info dump", False), ("cluster-info", True), ("auth reconcile", False),
        ("auth can-i get pods", True), ("", False), ("--help", False), ("cp a b", False),
    ],
)  # fmt: skip
def test_only_what_changes_nothing_is_taken_for_reading(args: str, reads: bool):
    assert only_reads(args.split()) is reads
    if not reads and args.startswith(("exec", "cluster-info", "cp", "rollout undo x")):
        assert dry(args.split(), NOW) is None


def test_options_are_found_and_added_before_a_command_of_the_container():
    args = ["scale", "--replicas", "5", "d/x", "--", "--replicas=9"]
    assert option(args, "--replicas") == "5"
    assert words(args) == ["scale", "d/x"]
    assert dry(args, NOW) == ["scale", "--replicas", "5", "d/x", DRY_RUN, "--", "--replicas=9"]
    assert dry(["scale", "d/x", "--dry-run=client"], NOW) == ["scale", "d/x", DRY_RUN]
    assert dry(["logs", "-f", "d/x"], NOW) is None
    assert dry(["wait", "--for=delete", "pod/x"], NOW) is None


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("300s", 300), ("5m", 300), ("1h1m1s", 3661), ("0s", None), ("x", None)],
)
def test_kubectl_s_own_timeout_is_read_as_go_reads_it(timeout: str, seconds: float | None):
    assert own_timeout_s(["rollout", "status", "d/x", f"--timeout={timeout}"]) == seconds
