"""``bongsu playbook`` without a server: what there is, and a dry run of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from bongsu.manual.scaffold import begin

PLAYBOOK = """
name: {ko: 재시작, en: Restart}
types: [server_down]
runner: edge
parameters:
  replicas: {type: integer, default: 3, minimum: 1, maximum: 20, means: {ko: 수, en: How many}}
  word: {pattern: "^[a-z ;$()]+$", default: ok}
steps:
  - name: Say it
    kind: command
    argv: [echo, "{{ word }}"]
    dry_run: [echo, would say, "{{ word }}"]
  - name: Ask ourselves
    kind: command
    argv: [bongsu, --version]
    dry_run: [bongsu, --version]
  - {name: Wait, kind: wait, duration: 30s}
  - name: Swap the disk
    kind: human
    instruction: {ko: 디스크를 바꿔요, en: Change the disk}
"""


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    folder = tmp_path / "manual"
    begin(folder, "en")
    (folder / "playbooks").mkdir(exist_ok=True)
    (folder / "playbooks" / "restart.yaml").write_text(PLAYBOOK)
    return folder


def test_the_list_needs_no_server_and_names_each_playbooks_incident_types(run: Run, manual: Path):
    ended = run("playbook", "list", "--manual", str(manual), "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found = {one["playbook"]: one for one in json.loads(ended.stdout)["playbooks"]}
    assert [kind["id"] for kind in found["restart"]["types"]] == ["server_down"]
    assert "server_down" in run("playbook", "list", "--manual", str(manual)).stdout


def test_a_playbook_is_shown_with_its_parameters_and_what_each_step_does(run: Run, manual: Path):
    shown = run("playbook", "show", "restart", "--manual", str(manual)).stdout
    assert "integer 1…20" in shown
    assert "Run by the worker: edge" in shown
    assert "^[a-z ;$()]+$" in shown, "no part of a pattern is taken for markup"
    assert "echo '{{ word }}'" in shown
    assert "디스크를 바꿔요" in run(
        "playbook", "show", "restart", "--manual", str(manual), BONGSU_LANG="ko"
    ).stdout  # fmt: skip


def test_a_dry_run_finds_bongsu_itself_wherever_it_is(run: Run, manual: Path):
    argv = ("playbook", "run", "restart", "--dry-run", "--manual", str(manual))
    ended = run(*argv, PATH="/usr/bin:/bin")
    assert ended.returncode == 0, ended.stdout
    assert "not installed" not in ended.stdout


def test_a_dry_run_shows_exactly_what_would_run_and_no_shell_reads_it(run: Run, manual: Path):
    ended = run(
        "playbook", "run", "restart", "--dry-run", "--manual", str(manual), "-p",
        "word=a; touch $(x)",
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "would say a; touch $(x)" in ended.stdout
    assert "$ echo 'a; touch $(x)'" in ended.stdout
    assert "Change the disk" in ended.stdout


def test_a_dry_run_marks_a_check_by_how_it_is_now(run: Run, manual: Path):
    (manual / "diagnosis.yaml").write_text(
        "checks:\n"
        "  ill: {name: Disk, probe: {kind: command, argv: ['false']}}\n"
        "  well: {name: Memory, probe: {kind: command, argv: ['true']}}\n"
    )
    steps = (
        "  - {name: Look, kind: check, checks: [ill]}\n"
        "  - {name: Again, kind: check, checks: [well]}\n"
    )
    (manual / "playbooks" / "restart.yaml").write_text(PLAYBOOK + steps)
    ended = run("playbook", "run", "restart", "--dry-run", "--manual", str(manual))
    assert ended.returncode == 0, "they may be well by then"
    assert "! Disk is unhealthy" in ended.stdout
    assert "✓ everything looked at is healthy" in ended.stdout


def test_a_cluster_that_nobody_named_is_said_once_in_a_dry_run(run: Run, manual: Path):
    step = "  - {name: See, kind: kubectl, args: [get, pods]}\n"
    (manual / "playbooks" / "restart.yaml").write_text(PLAYBOOK + step)
    argv = ("playbook", "run", "restart", "--dry-run", "--manual", str(manual))
    ended = run(*argv, KUBECONFIG="/nonexistent")
    assert ended.returncode == 1
    assert "kubectl knows no cluster; set KUBECONFIG" in ended.stdout
    assert "memcache.go" not in ended.stdout


def test_a_dry_run_that_would_not_work_ends_with_1(run: Run, manual: Path):
    text = PLAYBOOK.replace("dry_run: [echo,", "dry_run: [no-such-program,")
    (manual / "playbooks" / "restart.yaml").write_text(text)
    ended = run("playbook", "run", "restart", "--dry-run", "--manual", str(manual))
    assert ended.returncode == 1
    assert "no-such-program" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "restrat"], "restart"),
        (["run", "restrat", "--dry-run"], "there is no playbook restrat"),
        (["run", "restart", "--dry-run", "-p", "replicas=21"], "from 1 to 20"),
        (["run", "restart", "--dry-run", "-p", "replicas"], "'replicas' is not NAME=VALUE"),
        (["run", "restart", "--dry-run", "-p", "pods=1"], "replicas, word"),
        (["run", "restart", "--dry-run", "-p", "word=a", "-p", "word=b"], "word is given twice"),
        (["run", "restart"], "--manual goes with --dry-run"),
    ],
)
def test_what_was_asked_wrongly_ends_with_2(
    run: Run, manual: Path, arguments: list[str], says: str
):
    ended = run("playbook", *arguments, "--manual", str(manual))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr


def test_without_an_incident_it_says_what_to_write(run: Run):
    ended = run("playbook", "run", "restart")
    assert ended.returncode == 2
    assert "--incident NUMBER" in ended.stderr
