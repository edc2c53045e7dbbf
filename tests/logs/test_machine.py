"""The kernel's machine code: kept once made, loaded without numba, never taken on trust."""

import subprocess
import sys
from pathlib import Path

import pytest

from bongsu.logs import machine


def test_kept_code_runs_without_loading_numba():
    machine.kernel()
    program = (
        "import sys; from bongsu.logs.miner import Miner;"
        "print(len(Miner(small=-1).feed(b'a 1\\nb 2\\n').shapes), 'numba' in sys.modules)"
    )
    came = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert came.stdout.split() == [b"2", b"False"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


CODES = {"scan": machine.Code("scan_", 3, b"\x7fELF and so on")}


def test_what_was_kept_is_found_again(folder):
    machine._keep("a.obj", CODES)
    assert machine._kept(folder / "a.obj") == CODES


@pytest.mark.parametrize(
    "damage", [lambda all_: all_[:-1], lambda all_: all_[:-1] + b"?", bytes.upper]
)
def test_damaged_code_is_not_run(folder, damage):
    machine._keep("a.obj", CODES)
    path = folder / "a.obj"
    path.write_bytes(damage(path.read_bytes()))
    assert machine._kept(path) is None
    assert machine._kept(folder / "none.obj") is None


def test_code_that_can_t_be_kept_is_no_trouble(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "under"))
    machine._keep("a.obj", CODES)


def test_another_kernel_or_machine_has_other_code(monkeypatch):
    mine = list(machine._circumstances(machine._machine()))
    monkeypatch.setattr(machine, "KERNEL", Path(__file__).parent)
    assert list(machine._circumstances(machine._machine())) != mine
