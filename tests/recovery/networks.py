"""Two machines in network namespaces of the test's own: a victim, and an attacker on its wire."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.waiting import until_true_blocking

BONGSU = Path(sys.executable).with_name("bongsu")
VICTIM, ATTACKER, BYSTANDER, GATEWAY = "203.0.113.1", "203.0.113.7", "203.0.113.8", "203.0.113.254"
VICTIM6, ATTACKER6 = "2001:db8::1", "2001:db8::7"
PORT = "8080"
NEEDED = ("ip", "nft", "iptables", "tcpdump", "ping")

_CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], {port}), 1.0, (sys.argv[2], 0)).close()"  # noqa: E501


@dataclass(frozen=True)
class Networks:
    """The names of the two namespaces."""

    victim: str
    attacker: str

    def at_victim(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program on the victim's machine."""
        return _run("ip", "netns", "exec", self.victim, *argv)

    def bongsu(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run Bongsu on the victim's machine."""
        return self.at_victim("env", "BONGSU_LANG=en", str(BONGSU), *argv)

    def pings(self, source: str = ATTACKER, to: str = VICTIM) -> bool:
        """Whether the victim answers."""
        argv = ("ping", "-c", "1", "-W", "1", "-I", source, to)
        return _run("ip", "netns", "exec", self.attacker, *argv).returncode == 0

    def connects(self, source: str = ATTACKER, to: str = VICTIM) -> bool:
        """Whether a TCP connection to the victim's service can be made."""
        code = _CONNECT.format(port=PORT)
        argv = (sys.executable, "-c", code, to, source)
        return _run("ip", "netns", "exec", self.attacker, *argv).returncode == 0

    def wrapper(self, folder: Path) -> Path:
        """Write a ``bongsu`` that acts on the victim's machine where it acts on a network.

        That is what a worker there would be; the cluster's API is reached from outside.
        """
        folder.mkdir(exist_ok=True)
        script = folder / "bongsu"
        script.write_text(
            "#!/bin/sh\n"
            'case "$1 $2" in\n'
            f'"address "*|"evidence capture") exec ip netns exec {self.victim} {BONGSU} "$@" ;;\n'
            f'*) exec {BONGSU} "$@" ;;\n'
            "esac\n"
        )
        script.chmod(0o755)
        return folder

    @contextmanager
    def attack(self) -> Iterator[None]:
        """Send packets all the while."""
        argv = ["ping", "-i", "0.2", "-W", "1", VICTIM]
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.attacker, *argv],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def two_machines() -> Iterator[Networks]:
    """Make the namespaces; skips the test where the kernel refuses them."""
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        pytest.skip(f"{', '.join(missing)} are not installed")
    found = Networks(f"bongsu-victim-{os.getpid()}", f"bongsu-attacker-{os.getpid()}")
    made = _run("ip", "netns", "add", found.victim)
    if made.returncode:
        pytest.skip(f"the kernel refuses network namespaces: {made.stderr.strip()}")
    server = None
    try:
        _must("ip", "netns", "add", found.attacker)
        _must("ip", "-n", found.victim, "link", "add", "wire", "type", "veth", "peer", "name",
              "wire", "netns", found.attacker)  # fmt: skip
        for name, addresses in (
            (found.victim, (f"{VICTIM}/24", f"{VICTIM6}/64")),
            (found.attacker, (f"{ATTACKER}/24", f"{BYSTANDER}/24", f"{ATTACKER6}/64")),
        ):
            for address in addresses:
                v6 = ("nodad",) if ":" in address else ()
                _must("ip", "-n", name, "addr", "add", address, "dev", "wire", *v6)
            for device in ("lo", "wire"):
                _must("ip", "-n", name, "link", "set", device, "up")
        _must("ip", "-n", found.victim, "route", "add", "default", "via", GATEWAY)
        server = subprocess.Popen(
            ["ip", "netns", "exec", found.victim, sys.executable, "-m", "http.server", PORT,
             "--bind", "::"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        until_true_blocking(lambda: found.connects() or server.poll() is not None)
        assert server.poll() is None
        yield found
    finally:
        if server is not None:
            server.terminate()
            server.wait()
        for name in (found.victim, found.attacker):
            with suppress(OSError):
                _run("ip", "netns", "del", name)


def _run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)


def _must(*argv: str) -> None:
    done = _run(*argv)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
