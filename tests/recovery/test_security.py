"""Isolation for real, in network namespaces: drop, let in, capture, seal; and the playbooks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from tests.kube.remote_exec import Executed
from tests.recovery.conftest import NAMESPACE, Site, outcomes
from tests.recovery.networks import (
    ATTACKER,
    ATTACKER6,
    BYSTANDER,
    GATEWAY,
    VICTIM,
    VICTIM6,
    Networks,
    two_machines,
)

from bongsu.actions.evidence import custody
from bongsu.actions.evidence.sealing import verify
from bongsu.channels import registry
from bongsu.engine.courier import Courier
from bongsu.engine.effects import Effect
from bongsu.engine.hands import SystemHands
from bongsu.engine.messages import Writer
from bongsu.incident.runs.steps import step_of
from bongsu.manual.schema.playbooks import HumanStep

BACKENDS = pytest.mark.parametrize("backend", ["nft", "iptables"])


@pytest.fixture(scope="module")
def machines() -> Iterator[Networks]:
    with two_machines() as found:
        yield found


@pytest.fixture
def networks(machines: Networks) -> Iterator[Networks]:
    yield machines
    machines.at_victim("nft", "flush", "ruleset")


# ── one address ──────────────────────────────────────────────────────────────────────────


@BACKENDS
def test_an_address_is_dropped_and_let_in_again_and_no_other_is_touched(
    networks: Networks, backend: str
):
    assert networks.pings()
    assert networks.connects()
    dropped = networks.bongsu("address", "drop", ATTACKER, "--backend", backend)
    assert dropped.returncode == 0, dropped.stderr
    assert not networks.pings()
    assert not networks.connects()
    assert networks.pings(BYSTANDER), "exactly that address"
    assert networks.connects(BYSTANDER)
    assert networks.pings(ATTACKER6, VICTIM6)
    networks.bongsu("address", "undrop", ATTACKER, "--backend", backend)
    assert networks.pings()
    assert networks.connects()


@BACKENDS
def test_an_ipv6_address_is_dropped_as_well(networks: Networks, backend: str):
    assert networks.connects(ATTACKER6, VICTIM6)
    networks.bongsu("address", "drop", ATTACKER6, "--backend", backend)
    assert not networks.connects(ATTACKER6, VICTIM6)
    assert networks.connects()
    networks.bongsu("address", "undrop", ATTACKER6, "--backend", backend)
    assert networks.connects(ATTACKER6, VICTIM6)


@BACKENDS
def test_both_may_be_repeated(networks: Networks, backend: str):
    changed = []
    for what in ("drop", "drop", "undrop", "undrop", "undrop"):
        done = networks.bongsu("address", what, ATTACKER, "--backend", backend, "--json")
        changed.append(json.loads(done.stdout)["changed"])
    assert changed == [True, False, True, False, False]
    assert networks.pings()


def test_what_leaves_for_the_address_is_dropped_too(networks: Networks):
    networks.bongsu("address", "drop", ATTACKER)
    argv = ("ping", "-c", "1", "-W", "1", ATTACKER)
    assert networks.at_victim(*argv).returncode != 0
    listed = networks.bongsu("address", "list", "--json")
    assert json.loads(listed.stdout) == {"dropped": [ATTACKER]}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (VICTIM, "this machine's own"),
        (f"::ffff:{VICTIM}", "this machine's own"),
        (GATEWAY, "a gateway"),
    ],
)
def test_an_address_that_would_cut_ourselves_off_is_refused(
    networks: Networks, address: str, why: str
):
    done = networks.bongsu("address", "drop", address)
    assert done.returncode == 1
    assert why in done.stderr
    assert networks.at_victim("nft", "list", "ruleset").stdout == ""


def test_a_private_address_may_be_dropped_where_the_manual_allows_its_network(networks: Networks):
    done = networks.bongsu("address", "drop", "10.9.0.4", "--allow", "10.9.0.0/16")
    assert done.returncode == 0, done.stderr
    assert networks.bongsu("address", "undrop", "10.9.0.4").returncode == 0
    done = networks.bongsu("address", "drop", ATTACKER, "--never", "203.0.113.0/24")
    assert (done.returncode, networks.pings()) == (1, True)


# ── captures ─────────────────────────────────────────────────────────────────────────────


def packets(file: Path, *chosen: str) -> list[str]:
    read = subprocess.run(
        ["tcpdump", "-nn", "-r", str(file), *chosen], capture_output=True, text=True, check=True
    )
    return read.stdout.splitlines()


def test_a_capture_ends_by_itself_and_holds_the_attacks_packets(networks: Networks, tmp_path: Path):
    folder = tmp_path / "case"
    networks.bongsu("evidence", "open", str(folder), "--case", "INC-1")
    with networks.attack():
        done = networks.bongsu("evidence", "capture", str(folder), "--seconds", "1.5", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["ended"] == "time"
    assert packets(folder / told["file"], "src", "host", ATTACKER)


def test_a_flipped_byte_of_a_capture_is_detected_by_anybody(networks: Networks, tmp_path: Path):
    folder = tmp_path / "case"
    networks.bongsu("evidence", "open", str(folder), "--case", "INC-1")
    with networks.attack():
        networks.bongsu("evidence", "capture", str(folder), "--seconds", "0.5")
    seal = json.loads(networks.bongsu("evidence", "seal", str(folder), "--json").stdout)["seal"]
    by_hand = ["sha256sum", "--check", "--quiet", "MANIFEST.sha256"]
    assert subprocess.run(by_hand, cwd=folder, check=False).returncode == 0
    assert networks.bongsu("evidence", "verify", str(folder), "--seal", seal).returncode == 0
    file = folder / "items" / "captures" / "net.pcap"
    file.chmod(0o600)
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    assert subprocess.run(by_hand, cwd=folder, check=False, capture_output=True).returncode == 1
    found = networks.bongsu("evidence", "verify", str(folder), "--seal", seal)
    assert found.returncode == 1
    assert "items/captures/net.pcap" in found.stdout


def test_a_capture_ends_when_it_is_large_enough(networks: Networks, tmp_path: Path):
    folder = tmp_path / "case"
    networks.bongsu("evidence", "open", str(folder), "--case", "INC-1")
    flood = subprocess.Popen(
        ["ip", "netns", "exec", networks.attacker, "ping", "-f", "-s", "1400", VICTIM],
        stdout=subprocess.DEVNULL,
    )
    try:
        done = networks.bongsu(
            "evidence", "capture", str(folder), "--seconds", "60", "--megabytes", "1", "--json"
        )
    finally:
        flood.terminate()
        flood.wait()
    told = json.loads(done.stdout)
    assert told["ended"] == "size"
    assert int(told["bytes"]) >= 1 << 20


def test_a_second_capture_gets_a_name_of_its_own_and_a_given_one_is_kept(
    networks: Networks, tmp_path: Path
):
    folder = tmp_path / "case"
    networks.bongsu("evidence", "open", str(folder), "--case", "INC-1")
    argv = ("evidence", "capture", str(folder), "--seconds", "0.2", "--background", "--json")
    files = [json.loads(networks.bongsu(*argv).stdout)["file"] for _ in range(2)]
    assert files == ["items/captures/net.pcap", "items/captures/net-2.pcap"]
    again = networks.bongsu(*argv, "--name", "net")
    assert again.returncode == 1
    assert "never overwritten" in again.stderr
    assert networks.bongsu("evidence", "seal", str(folder), "--wait", "60").returncode == 0
    assert networks.bongsu("evidence", "verify", str(folder)).returncode == 0


def test_a_capture_that_can_not_begin_says_why(networks: Networks, tmp_path: Path):
    folder = tmp_path / "case"
    networks.bongsu("evidence", "open", str(folder), "--case", "INC-1")
    argv = ("evidence", "capture", str(folder), "-i", "nowhere0", "--background")
    done = networks.bongsu(*argv)
    assert done.returncode == 1
    assert "nowhere0" in done.stderr


# ── the playbooks ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def edge(site: Site, networks: Networks, tmp_path: Path) -> Site:
    """The first user's place, whose worker stands where the traffic comes in."""
    path = f"{networks.wrapper(tmp_path / 'bin')}:{os.environ['PATH']}"
    hands = SystemHands(site.house.desk.clock, {**site.env, "PATH": path})
    site.house.stepper._hands = hands
    site.cluster.deploy("suspicious", image="miner:1", replicas=2)
    site.cluster.oom("suspicious")
    site.cluster.log("suspicious", "GET /etc/passwd from 203.0.113.7", "mining")
    site.cluster.log("suspicious", "before the crash", previous=True)
    site.cluster.forget()
    return replace(site)


async def folder_of(edge: Site, part: int = 1) -> Path:
    """Where the evidence of the suspicious workload is."""
    incident = await edge.house.desk.incident(edge.incident)
    return edge.evidence / incident.number / f"suspicious-{part}"


def scale_of(site: Site) -> int:
    return int(site.cluster.deployment("suspicious")["spec"]["replicas"])


async def delivered(edge: Site) -> list[dict[str, Any]]:
    """Deliver what waits for the security team's webhook; returns what it was sent."""
    told: list[dict[str, Any]] = []

    @edge.application.app.post("/security")
    async def take(request: Request) -> None:
        told.append(await request.json())

    desk = edge.house.desk
    channels = registry.build({"SECURITY_WEBHOOK": f"{edge.application.url}/security"})
    writer = Writer("http://b", b"s" * 32)
    edge.house.doers.courier = Courier(desk.engine, channels, writer, "one", desk.pool)
    due = await desk.pool.fetch(
        "SELECT incident, seq FROM effects JOIN events USING (incident, seq)"
        " WHERE done_at IS NULL AND kind = 'delivery_due' AND body ->> 'channel' = 'webhook'"
    )
    for row in due:
        await edge.house.doers.do(Effect(*row))
    await registry.close(channels)
    return told


async def test_a_security_incident_is_preserved_isolated_told_and_sealed(
    edge: Site, networks: Networks
):
    executed: list[list[str]] = []

    def answer(_pod: str, argv: list[str]) -> Executed:
        executed.append(argv)
        return Executed(out="ended\n")

    edge.cluster.answer_exec(answer)
    pods = [pod["metadata"]["name"] for pod in edge.cluster.pods("suspicious")]
    with networks.attack():
        run = await edge.run(
            "security_incident", workload="suspicious", malicious_address=ATTACKER,
            capture_seconds=4,
        )  # fmt: skip
    assert run.outcome == "succeeded", (outcomes(run), await edge.output(run))
    assert not networks.pings()
    assert not networks.connects()
    assert networks.connects(BYSTANDER)
    assert scale_of(edge) == 0
    assert "invalidate_all_sessions" in executed[0][-1]
    (body,) = await delivered(edge)
    assert (body["alert"], body["severity"]) == ("Security incident detected", "critical")

    folder = await folder_of(edge)
    for pod in pods:
        kept = folder / "items" / "logs" / pod
        assert "GET /etc/passwd" in (kept / "app.log").read_text()
        assert "before the crash" in (kept / "app.previous.log").read_text()
    assert packets(folder / "items/captures/net.pcap", "src", "host", ATTACKER)
    found = verify(folder)
    assert found.whole, found.troubles
    assert found.seal in await edge.output(run), "the seal stands in the incident's record"
    chain = custody.read(folder).entries
    assert all(one.who.startswith("security_incident (") for one in chain), chain

    names = list(outcomes(run))
    assert names.index("Record the network traffic") < names.index("Block the attacker's address")
    asked = [one.what for one in edge.cluster.requests]
    last_log = max(i for i, what in enumerate(asked) if what.endswith("/log"))
    assert last_log < asked.index("patch deployments/suspicious/scale")

    back = await edge.take_back(run)
    assert back.outcome == "undone"
    assert networks.connects()
    assert scale_of(edge) == 2

    again = await edge.run("security_incident", workload="suspicious", capture_seconds=1)
    assert again.outcome == "failed", "sealed evidence takes nothing more"
    assert list(outcomes(again).values()) == ["failed"], "and it is said before anything is done"
    again = await edge.run("security_incident", workload="suspicious", capture_seconds=1, part=2)
    assert again.outcome == "succeeded", outcomes(again)
    assert verify(await folder_of(edge, 2)).whole


async def test_what_can_not_be_preserved_is_not_destroyed(edge: Site, networks: Networks):
    edge.cluster.faults.forbidden.add(("get", "pods"))
    run = await edge.run(
        "security_incident", workload="suspicious", malicious_address=ATTACKER,
        capture_seconds=1,
    )  # fmt: skip
    assert (run.outcome, outcomes(run)["Keep the logs"]) == ("failed", "failed")
    assert scale_of(edge) == 2, "its logs would have gone with its pods"
    assert "run_failed" in await edge.called()
    assert not networks.connects(), "the attacker is kept out all the same"
    assert len(await edge.notices()) == 1, "and the security team knows"


async def test_neither_an_address_nor_sessions_that_fail_keep_the_workload_running(
    edge: Site, networks: Networks
):
    edge.cluster.answer_exec(lambda _pod, _argv: Executed(err="ImportError\n", exit_code=1))
    run = await edge.run(
        "security_incident", workload="suspicious", malicious_address=VICTIM,
        capture_seconds=1,
    )  # fmt: skip
    assert (run.outcome, outcomes(run)["Make sure that the address is blocked"]) == (
        "failed", "failed"
    )  # fmt: skip
    assert outcomes(run)["End all sessions of users"] == "skipped"
    assert scale_of(edge) == 0
    assert (await folder_of(edge) / "items" / "logs").is_dir()
    assert "run_failed" in await edge.called()


async def test_a_security_incident_without_an_address_drops_nobody(edge: Site, networks: Networks):
    run = await edge.run("security_incident", workload="suspicious", capture_seconds=1)
    assert run.outcome == "succeeded", (outcomes(run), await edge.output(run))
    assert outcomes(run)["Block the attacker's address"] == "skipped"
    assert networks.pings()


async def test_a_ddos_attack_is_cut_off_and_held_out(edge: Site, networks: Networks):
    run = await edge.run("ddos_attack", malicious_address=ATTACKER)
    assert run.outcome == "succeeded", outcomes(run)
    assert not networks.connects()
    assert len(await edge.notices()) == 1, "the security team knows"
    assert edge.cluster.deployment("korea-backend")["spec"]["replicas"] == 10
    await edge.take_back(run)
    assert networks.connects()
    assert edge.cluster.deployment("korea-backend", NAMESPACE)["spec"]["replicas"] == 3


async def test_an_attack_that_goes_on_is_not_let_in_again_by_itself(edge: Site, networks: Networks):
    edge.application.health = 503
    run = await edge.run("ddos_attack", malicious_address=ATTACKER)
    assert (run.outcome, outcomes(run)["Check the API"]) == ("failed", "failed")
    assert not networks.connects()
    assert edge.cluster.deployment("korea-backend")["spec"]["replicas"] == 10
    assert "run_failed" in await edge.called()


async def test_an_attack_from_many_addresses_is_held_out_without_dropping_one(
    edge: Site, networks: Networks
):
    run = await edge.run("ddos_attack")
    assert run.outcome == "succeeded", outcomes(run)
    assert outcomes(run)["Block the attacker's address"] == "skipped"
    assert outcomes(run)["Have it filtered upstream"] == "done"
    assert networks.at_victim("nft", "list", "ruleset").stdout == ""


SECURITY_TYPES = ["data_breach", "malware_detected", "unauthorized_access"]


@pytest.mark.parametrize("playbook", SECURITY_TYPES)
async def test_each_type_of_security_incident_keeps_the_evidence_first(
    edge: Site, networks: Networks, playbook: str
):
    run = await edge.run(
        playbook, workload="suspicious", malicious_address=ATTACKER,
        capture_seconds=1,
    )  # fmt: skip
    assert run.outcome == "succeeded", (outcomes(run), await edge.output(run))
    assert set(edge.said_yes) >= {"incident_commander"}
    assert verify(await folder_of(edge)).whole
    assert (scale_of(edge), networks.connects()) == (0, False)
    asked = [one.what for one in edge.cluster.requests]
    last_log = max(i for i, what in enumerate(asked) if what.endswith("/log"))
    assert last_log < asked.index("patch deployments/suspicious/scale")
    by_hand = [one for one in run.asked.steps if isinstance(step_of(one), HumanStep)]
    assert len(by_hand) >= 3, "what is to be done differs from type to type"


@pytest.mark.parametrize("bad", ["10.0.0.1", "127.0.0.1"])
async def test_a_ddos_step_that_would_cut_ourselves_off_is_refused(
    edge: Site, networks: Networks, bad: str
):
    run: Any = await edge.run("ddos_attack", malicious_address=bad)
    assert outcomes(run)["Make sure that the address is blocked"] == "failed"
    assert networks.at_victim("nft", "list", "ruleset").stdout == ""
