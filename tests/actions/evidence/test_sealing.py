"""Evidence that is sealed: whatever is done to it afterwards shows."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.kube.cluster import NAMESPACE, Cluster, running_cluster

from bongsu.actions.evidence import custody, sealing
from bongsu.actions.evidence.collecting import Cluster as Source
from bongsu.actions.evidence.collecting import collect
from bongsu.actions.evidence.custody import EvidenceError
from bongsu.actions.evidence.folder import Folder, existing, open_folder

NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)


def now() -> datetime:
    return NOW


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = open_folder(tmp_path / "case", "INC-1", now, "tester")
    for name in ("one", "two"):
        keep(made, name, f"what {name} wrote\n")
    return made


def keep(folder: Folder, name: str, text: str) -> None:
    place = folder.place("logs", name, "app.log")
    place.write_text(text)
    folder.note("collected", folder.known(place), kubectl="v1.32.0")


def writable(path: Path) -> None:
    for one in (path, *path.rglob("*")):
        one.chmod(0o700)


def codes(path: Path, seal: str | None = None) -> set[str]:
    return {one.code for one in sealing.verify(path, seal).troubles}


def test_what_was_sealed_is_whole(folder: Folder):
    sealed = sealing.seal(folder)
    found = sealing.verify(folder.path, sealed)
    assert (found.whole, found.files, found.seal) == (True, 2, sealed)


def test_any_flipped_byte_of_any_file_is_found(folder: Folder):
    sealing.seal(folder)
    writable(folder.path)
    for path in [one for one in folder.path.rglob("*") if one.is_file()]:
        whole = path.read_bytes()
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert not sealing.verify(folder.path).whole, f"byte {at} of {path.name}"
        path.write_bytes(whole)
    assert sealing.verify(folder.path).whole


def test_a_missing_and_an_added_file_are_named(folder: Folder):
    sealing.seal(folder)
    writable(folder.path)
    (folder.items / "logs" / "one" / "app.log").rename(folder.path / "stranger")
    troubles = sealing.verify(folder.path).troubles
    assert [(one.code, one.subject) for one in troubles] == [
        ("added", "stranger"), ("missing", "items/logs/one/app.log"),
    ]  # fmt: skip


def test_a_link_to_the_same_bytes_is_no_evidence(folder: Folder, tmp_path: Path):
    sealing.seal(folder)
    writable(folder.path)
    log = folder.items / "logs" / "one" / "app.log"
    log.rename(tmp_path / "elsewhere")
    log.symlink_to(tmp_path / "elsewhere")
    assert codes(folder.path) == {"altered"}


def test_who_rewrites_everything_is_betrayed_by_the_seal_that_was_kept(
    folder: Folder, tmp_path: Path
):
    sealed = sealing.seal(folder)
    forged = open_folder(tmp_path / "forged", "INC-1", now, "tester")
    keep(forged, "one", "nothing happened\n")
    sealing.seal(forged)
    assert codes(forged.path) == set()
    assert codes(forged.path, sealed) == {"seal"}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_entry_taken_out_of_the_chain_of_custody_shows(folder: Folder, number: int):
    sealing.seal(folder)
    writable(folder.path)
    path = folder.path / custody.FILE
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
    assert codes(folder.path) == {"custody"}


def test_a_sealed_folder_is_read_only_and_takes_nothing_more(folder: Folder):
    sealing.seal(folder)
    for one in (folder.path, *folder.path.rglob("*")):
        assert not stat.S_IMODE(one.stat().st_mode) & 0o222, one
    with pytest.raises(EvidenceError, match="sealed"):
        folder.place("logs", "three", "app.log")
    with pytest.raises(EvidenceError, match="already"):
        sealing.seal(folder)
    with pytest.raises(EvidenceError, match="sealed"):
        open_folder(folder.path, "INC-1", now)


def test_a_handover_is_noted_after_the_seal_and_breaks_nothing(folder: Folder):
    sealing.seal(folder)
    existing(folder.path, now, "officer").note("noted", {"text": "handed to the police"})
    assert sealing.verify(folder.path).whole
    last = custody.read(folder.path).entries[-1]
    assert (last.action, last.at) == ("noted", NOW)
    assert last.who.startswith("officer (")
    assert stat.S_IMODE((folder.path / custody.FILE).stat().st_mode) == 0o400


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda log: log.write_text("other"), "altered"),
        (lambda log: log.unlink(), "gone"),
        (lambda log: (log.parent / "more").write_text("x"), "not collected"),
    ],
)
def test_what_was_changed_before_the_seal_is_not_sealed(
    folder: Folder, harm: Callable[[Path], None], why: str
):
    harm(folder.items / "logs" / "one" / "app.log")
    with pytest.raises(EvidenceError, match=why):
        sealing.seal(folder)


def test_evidence_is_never_overwritten_and_never_mixed(folder: Folder, tmp_path: Path):
    with pytest.raises(EvidenceError, match="already"):
        keep(folder, "one", "again")
    with pytest.raises(EvidenceError, match="INC-1, not of INC-2"):
        open_folder(folder.path, "INC-2", now)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    with pytest.raises(EvidenceError, match="something else"):
        open_folder(tmp_path / "mine", "INC-1", now)


def test_names_from_the_cluster_stay_inside_the_folder(folder: Folder):
    place = folder.place("logs", "../../etc", "..", "a/b\n.log")
    assert place.resolve().is_relative_to(folder.items.resolve())
    assert "\n" not in place.name


async def test_a_capture_whose_process_is_gone_is_noted_and_can_be_sealed(folder: Folder):
    file = folder.place("captures", "net.pcap")
    file.write_bytes(b"half")
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    file.with_name("net.pcap.running").write_text(str(process.pid))
    await sealing.captures_over(folder, 5.0)
    sealing.seal(folder)
    assert "capture_broken_off" in [one.action for one in custody.read(folder.path).entries]


async def test_a_capture_that_still_runs_is_waited_for(folder: Folder):
    (folder.items / "net.pcap.running").write_text(str(os.getpid()))
    with pytest.raises(EvidenceError, match="still runs"):
        await sealing.captures_over(folder, 0.3)


# ── collecting ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def cluster(tmp_path: Path):
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1", replicas=2)
        running.deploy("korea-frontend", image="frontend:1", replicas=1)
        running.log("korea-backend", "오류: 연결이 끊겼습니다", "password=hunter2")
        yield running


async def test_the_logs_of_every_pod_are_kept_as_they_are(cluster: Cluster, tmp_path: Path):
    folder = open_folder(tmp_path / "case", "INC-1", now)
    source = Source(NAMESPACE, cluster.env, 20.0)
    kept = await collect(folder, source, "deployment/korea-backend")
    logs = sorted((folder.items / "logs").rglob("*.log"))
    assert len(logs) == 2
    assert all("password=hunter2" in log.read_text() for log in logs), "evidence is not masked"
    assert len(kept.none) == 2, "no container was restarted"
    everything = await collect(folder, source, None)
    pods = [one.parent.name for one in everything.files if "logs" in one.parts]
    assert {pod.rsplit("-", 2)[0] for pod in pods} == {"korea-frontend"}, "none is kept twice"
    sealing.seal(folder)
    assert sealing.verify(folder.path).whole
    tools = custody.read(folder.path).entries[1].tools
    assert "kubectl" in tools
    assert tools["kubectl"] != "unknown"


async def test_a_log_that_can_not_be_read_is_a_failure(cluster: Cluster, tmp_path: Path):
    folder = open_folder(tmp_path / "case", "INC-1", now)
    cluster.forbid("pods", "list")
    with pytest.raises(EvidenceError, match="forbidden"):
        await collect(folder, Source(NAMESPACE, cluster.env, 20.0), "deployment/korea-backend")
