"""Dropping an address and taking that back, by nftables or else by iptables; both may be repeated.

Packets from it and to it are dropped, for the machine itself and for what it forwards (pods).
"""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from bongsu.actions.addresses.guard import Address
from bongsu.actions.output import Output
from bongsu.actions.programs import allowed_environment, run
from bongsu.actions.saying import SaidError
from bongsu.i18n import N_

WAIT_S = 10.0
Backend = Literal["nft", "iptables"]
TABLE, CHAIN = "bongsu", "BONGSU-DROP"
# Before everything else (raw), so that what comes after this filter can't let it in.
RULES = f"""\
add table inet {TABLE}
add set inet {TABLE} dropped4 {{ type ipv4_addr; }}
add set inet {TABLE} dropped6 {{ type ipv6_addr; }}
add chain inet {TABLE} from {{ type filter hook prerouting priority -300; policy accept; }}
add chain inet {TABLE} to {{ type filter hook postrouting priority -300; policy accept; }}
flush chain inet {TABLE} from
flush chain inet {TABLE} to
add rule inet {TABLE} from ip saddr @dropped4 counter drop
add rule inet {TABLE} from ip6 saddr @dropped6 counter drop
add rule inet {TABLE} to ip daddr @dropped4 counter drop
add rule inet {TABLE} to ip6 daddr @dropped6 counter drop
"""
_NO_SUCH = re.compile(r"No such file or directory")
_NO_IPV6 = re.compile(r"can't initialize ip6tables|Address family not supported")
_SOURCE = re.compile(rf"^-A {CHAIN} -s (\S+?)/(?:32|128) -j DROP$", re.MULTILINE)


class DropError(SaidError):
    """The packet filter refused."""


class _Set(msgspec.Struct):
    elem: list[str] = []


class _Thing(msgspec.Struct):
    set: _Set | None = None


class _Listed(msgspec.Struct):
    nftables: list[_Thing] = []


class Filter(NamedTuple):
    """This machine's packet filter, as one of the two programs sees it."""

    backend: Backend
    env: Mapping[str, str]

    async def ask(self, *argv: str, stdin: str | None = None) -> Output:
        """Run a program of the packet filter."""
        body = None if stdin is None else stdin.encode()
        env = allowed_environment(source=self.env)
        return await run(argv, timeout_s=WAIT_S, env=env, stdin=body)

    async def must(self, *argv: str, stdin: str | None = None) -> Output:
        """Run it; raises DropError where it doesn't do what it is asked."""
        output = await self.ask(*argv, stdin=stdin)
        if not output.ok:
            why = output.complaint or f"{argv[0]} {output.ended}"
            raise DropError("{argv}: {why}", argv=" ".join(argv), why=why.splitlines()[0])
        return output


def backend_named(name: str | None) -> Backend | None:
    """Return the program of that name; None is for whichever there is.

    Raises:
        DropError: it is neither of the two.
    """
    if name not in (None, "nft", "iptables"):
        raise DropError(N_("{name} is neither nft nor iptables"), name=repr(name))
    return None if name is None else "nft" if name == "nft" else "iptables"


def backend_of(env: Mapping[str, str]) -> Backend:
    """Return which program there is.

    Raises:
        DropError: there is neither.
    """
    for name in ("nft", "iptables"):
        if shutil.which(name, path=env.get("PATH")):
            return "nft" if name == "nft" else "iptables"
    raise DropError(N_("neither nft nor iptables is installed here"))


async def drop(address: Address, env: Mapping[str, str], backend: Backend | None = None) -> bool:
    """Drop an address; False where it was dropped already.

    Raises:
        DropError: the packet filter refuses.
    """
    filter_ = Filter(backend or backend_of(env), env)
    if address in await _dropped(filter_):
        return False
    if filter_.backend == "nft":
        await filter_.must("nft", "-f", "-", stdin=RULES)
        await filter_.must("nft", "add", "element", *_element(address))
    else:
        await _chained(filter_, address)
        for way in ("-s", "-d"):
            await filter_.must(
                _program(address), "-w", "-A", CHAIN, way, str(address), "-j", "DROP"
            )
    if address not in await _dropped(filter_):
        text = N_("{program} said yes, but {address} is not dropped")
        raise DropError(text, program=filter_.backend, address=address)
    return True


async def undrop(address: Address, env: Mapping[str, str], backend: Backend | None = None) -> bool:
    """Let an address in again, and no other; False where it was not dropped.

    Raises:
        DropError: the packet filter refuses.
    """
    filter_ = Filter(backend or backend_of(env), env)
    if address not in await _dropped(filter_):
        return False
    if filter_.backend == "nft":
        await filter_.must("nft", "delete", "element", *_element(address))
    else:
        for way in ("-s", "-d"):
            argv = (_program(address), "-w", "-D", CHAIN, way, str(address), "-j", "DROP")
            while (await filter_.ask(*argv)).ok:
                pass
    if address in await _dropped(filter_):
        raise DropError(N_("{address} is still dropped"), address=address)
    return True


async def dropped(env: Mapping[str, str], backend: Backend | None = None) -> list[Address]:
    """Return the addresses that Bongsu drops here.

    Raises:
        DropError: the packet filter refuses to say.
    """
    return await _dropped(Filter(backend or backend_of(env), env))


async def _dropped(filter_: Filter) -> list[Address]:
    found: list[str] = []
    if filter_.backend == "nft":
        for name in ("dropped4", "dropped6"):
            output = await filter_.ask("nft", "-j", "list", "set", "inet", TABLE, name)
            if output.ok:
                listed = msgspec.json.decode(output.out, type=_Listed)
                found += [one for thing in listed.nftables if thing.set for one in thing.set.elem]
            elif not _NO_SUCH.search(output.complaint):
                raise _silent("nft", output)
    else:
        for program in ("iptables", "ip6tables"):
            output = await filter_.ask(program, "-w", "-S")
            if not output.ok and not _NO_IPV6.search(output.complaint):
                raise _silent(program, output)
            found += _SOURCE.findall(output.text)
    return [ipaddress.ip_address(one) for one in found]


async def _chained(filter_: Filter, address: Address) -> None:
    """Have a chain of our own asked first by all traffic."""
    program = _program(address)
    if f"-N {CHAIN}\n" not in (await filter_.ask(program, "-w", "-S")).text:
        await filter_.must(program, "-w", "-N", CHAIN)
    for hook in ("INPUT", "FORWARD", "OUTPUT"):
        if not (await filter_.ask(program, "-w", "-C", hook, "-j", CHAIN)).ok:
            await filter_.must(program, "-w", "-I", hook, "1", "-j", CHAIN)


def _silent(program: str, output: Output) -> DropError:
    why = (output.complaint or output.ended).splitlines()[0]
    return DropError("{argv}: {why}", argv=program, why=why)


def _program(address: Address) -> str:
    return "iptables" if address.version == 4 else "ip6tables"  # noqa: PLR2004  the protocol's name


def _element(address: Address) -> Sequence[str]:
    return ("inet", TABLE, f"dropped{address.version}", f"{{ {address} }}")
