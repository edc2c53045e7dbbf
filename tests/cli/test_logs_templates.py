"""`bongsu logs templates`: counted, or assigned line by line."""

import gzip
import json
import os
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-c", "from bongsu.cli import main; main()", "logs", "templates"]
LOG = b"".join(b"12:00:%02d user u%d came in\n" % (k % 60, k) for k in range(50)) + b"\ndisk full"


def bongsu(*args, stdin=b""):
    env = {**os.environ, "BONGSU_LANG": "en"}
    return subprocess.run(
        [*PROGRAM, *map(str, args)], input=stdin, capture_output=True, check=False, env=env
    )


def test_templates_come_with_their_counts_the_most_frequent_first():
    came = bongsu("-", stdin=LOG)
    rows = [line.split(maxsplit=2) for line in came.stdout.decode().splitlines()]
    assert came.returncode == 0
    assert rows[0][0] == "50"
    assert rows[0][2] == "<*> user <*> came in"
    assert [row[0] for row in rows[1:]] == ["1", "1"]


def test_each_line_is_assigned_in_order_also_empty_and_unended_ones(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(LOG)
    lines = bongsu("--assign", path).stdout.decode().split("\n")
    assert len(lines) == 53
    assert lines[-1] == ""
    parts = [line.split("\t") for line in lines[:-1]]
    assert len({ident for ident, _ in parts[:50]}) == 1
    assert [text for _, text in parts[-2:]] == ["", "disk full"]


def test_an_id_is_that_of_the_text_alone(tmp_path):
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    plain.write_bytes(b"disk full\n" + LOG)
    packed.write_bytes(gzip.compress(LOG))
    found = [
        {
            row["template"]: row["id"]
            for row in json.loads(bongsu("--json", path).stdout)["templates"]
        }
        for path in (plain, packed)
    ]
    assert found[0] == found[1]


def test_indented_lines_are_lines_of_their_own_when_assigned():
    came = bongsu("--assign", "-", stdin=b"failed 1\n  at x\n\tat y\n")
    assert came.stdout.count(b"\n") == 3


@pytest.mark.parametrize("options", [[], ["--json"], ["--assign"], ["--assign", "--json"]])
def test_no_secret_stands_in_a_template(options):
    came = bongsu(*options, "-", stdin=b"login password=hunterabc ok\nuser hong@example.com\n")
    assert came.returncode == 0
    assert b"hunterabc" not in came.stdout
    assert b"hong@" not in came.stdout
    assert b"[SECRET]" in came.stdout


@pytest.mark.parametrize("name", ["missing.log", "."])
def test_what_cannot_be_read_is_said_with_exit_2(tmp_path, name):
    came = bongsu(tmp_path / name)
    assert came.returncode == 2
    assert came.stdout == b""
    assert str(tmp_path) in came.stderr.decode()
    assert b"Traceback" not in came.stderr


def test_a_reader_that_leaves_is_no_error(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(LOG * 2000)
    command = " ".join(f"'{part}'" for part in [*PROGRAM, "--assign", str(path)]) + " | head -1"
    came = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert came.stdout.endswith(b"\t<*> user <*> came in\n")
    assert came.stderr == b""


def test_what_the_server_loads_has_no_numpy():
    code = (
        "import sys, bongsu.cli, bongsu.logs, bongsu.logs.analysis;"
        "sys.exit(bool({'numpy', 'numba'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
