"""`bongsu logs analyze`: what it prints, and what it says to wrong input."""

import gzip
import json
import os
import subprocess
import sys

import pytest

LOG = "".join(
    f"2025-08-14T05:{k // 60:02d}:{k % 60:02d}Z {text}\n"
    for k, text in enumerate(["INFO ok"] * 3500 + ["ERROR disk 7 failed"] * 100)
)


def bongsu(*args, stdin=b"", lang="en", locale="C.UTF-8"):
    env = {**os.environ, "BONGSU_LANG": lang, "LC_ALL": locale, "TZ": "UTC"}
    program = [sys.executable, "-c", "from bongsu.cli import main; main()", "logs", *map(str, args)]
    return subprocess.run(program, input=stdin, capture_output=True, check=False, env=env)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "app.log"
    path.write_text(LOG)
    return path


def test_what_is_new_comes_first(log):
    came = bongsu("analyze", log, "--since", "5m", "--baseline", "30m")
    lines = came.stdout.decode().splitlines()
    assert (came.returncode, came.stderr) == (0, b"")
    assert lines[0].startswith("3,600 lines, 3,600 records")
    assert "new" in lines[4]
    assert "ERROR disk" in lines[4]


def test_korean_is_spoken(log):
    came = bongsu("analyze", log, lang="ko")
    assert "구간 2025-08-14" in came.stdout.decode()
    assert "새" in came.stdout.decode()


def test_json_is_the_whole_analysis(log):
    found = json.loads(bongsu("analyze", log, "--json", "--since", "5m").stdout)
    assert (found["lines"], found["patterns"][0]["novelty"]) == (3600, "new")


@pytest.mark.parametrize("args", [(), ("-",)])
def test_a_pipe_is_read(args):
    found = json.loads(bongsu("analyze", *args, "--json", stdin=LOG.encode()).stdout)
    assert found["records"] == 3600


def test_a_source_that_can_t_be_read_does_not_stop_the_others(log):
    came = bongsu("analyze", "--source", f"file:{log}", "--source", "file:/nowhere.log", "--json")
    found = json.loads(came.stdout)
    assert (found["records"], came.returncode) == (3600, 1)
    assert found["troubles"] == ["file:/nowhere.log: there is no file /nowhere.log"]


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("args", [(), ("--json",)])
def test_what_a_cut_off_file_still_holds_is_shown_but_is_no_success(tmp_path, piped, args):
    packed = tmp_path / "app.log.gz"
    packed.write_bytes(gzip.compress(LOG.encode() * 20)[:-2000])
    given = {"stdin": packed.read_bytes()} if piped else {}
    came = bongsu("analyze", "-" if piped else packed, *args, **given)
    assert came.returncode == 1
    assert "INFO ok" in came.stdout.decode()
    assert "is damaged or cut off" in came.stderr.decode()
    assert "Traceback" not in came.stderr.decode()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["/nowhere.log"], "there is no file /nowhere.log"),
        (["/"], "/ is a folder; name the files in it"),
        (["{empty}"], "empty.log is empty"),
        (["{binary}"], "iconv -f UTF-16 -t UTF-8"),
        (["{log}", "--since", "soon"], "--since: soon is no length of time; write it as 15m"),
        (["{log}", "--baseline", "5"], "--baseline: 5 is no length of time"),
        (["--source", "s3:bucket"], "s3:bucket is no source of logs; write k8s:"),
        (["--source", "k8s:web"], "write them as k8s:korea-prod/app=korea-backend"),
        (["--source", "file:/nowhere.log"], "there is no file /nowhere.log"),
        (["--exact", "/nowhere.log"], "there is no file /nowhere.log"),
        (["--exact", "--source", "k8s:a/b=c"], "--exact reads files and pipes only"),
        (["--top", "0", "{log}"], "--top"),
        ([], "there is not one line to analyse"),
    ],
)
def test_wrong_input_is_refused_with_the_mend(args, says, log, tmp_path):
    (tmp_path / "empty.log").touch()
    (tmp_path / "utf16.log").write_bytes("hello\n".encode("utf-16"))
    places = {"log": log, "empty": tmp_path / "empty.log", "binary": tmp_path / "utf16.log"}
    came = bongsu("analyze", *(arg.format(**places) for arg in args))
    assert came.returncode == 2
    assert says in came.stderr.decode()
    assert came.stdout == b""
    assert "Traceback" not in came.stderr.decode()


def test_a_reader_that_has_gone_ends_it_quietly(log):
    program = f"{sys.executable} -c 'from bongsu.cli import main; main()' logs analyze {log} --json"
    came = subprocess.run(f"{program} | true", shell=True, capture_output=True, check=False)
    assert came.stderr == b""


def test_help_loads_no_numpy():
    program = "import sys, bongsu.cli.logs; print('numpy' in sys.modules, 'numba' in sys.modules)"
    came = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert came.stdout == b"False False\n"
