"""Addresses that must not be cut off: our own, the way out, and those inside."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from bongsu.actions.saying import SaidError
from bongsu.i18n import N_

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

INSIDE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(one)
    for one in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
    )
)  # fmt: skip
"""private ones; Python's ``is_private`` also has those of documentation, which are nobody's"""
_ROUTES, _ROUTES6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
_RESOLVERS = Path("/etc/resolv.conf")


class ProtectedError(SaidError):
    """The address is not dropped."""


def checked(
    text: str, allow: Iterable[str] = (), never: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
) -> Address:  # fmt: skip
    """Return an address that may be dropped.

    Args:
        text: one IPv4 or IPv6 address; an IPv4 one written as IPv6 is taken for what it is.
        allow: networks (or addresses) inside that may be dropped all the same.
        never: networks that may not, whatever else is said.
        env: where the cluster's API server is named.

    Raises:
        ProtectedError: it is none, or dropping it would cut off ourselves.
    """
    address = read(text)
    if why := _never(address, env or {}):
        raise ProtectedError(why, address=address)
    if any(address in network for network in _networks(never)):
        text = N_("{address} is on the list of those that are never dropped")
        raise ProtectedError(text, address=address)
    inside = any(address in network for network in INSIDE)
    if inside and not any(address in network for network in _networks(allow)):
        text = N_("{address} is a private address; to drop it all the same, name it with --allow")
        raise ProtectedError(text, address=address)
    return address


def read(text: str) -> Address:
    """Return one IPv4 or IPv6 address.

    Raises:
        ProtectedError: the text is none.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        told = N_("{text} is no IPv4 or IPv6 address")
        raise ProtectedError(told, text=repr(text)) from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            told = N_("{text} names a zone; write the address alone")
            raise ProtectedError(told, text=repr(text))
        return address.ipv4_mapped or address
    return address


def _never(address: Address, env: Mapping[str, str]) -> str | None:
    """Return what it is, where nobody may drop it."""
    kinds = {
        N_("{address} is no address of anybody"): address.is_unspecified,
        N_("{address} is a loopback address, and is never dropped"): address.is_loopback,
        N_("{address} is a multicast address, and is never dropped"): address.is_multicast,
        N_("{address} is a link-local address, and is never dropped"): address.is_link_local,
        N_("{address} is this machine's own, and is never dropped"): address in set(_own()),
        N_("{address} is a gateway, and is never dropped"): address in set(_gateways()),
        N_("{address} is a name server, and is never dropped"): address in set(_resolvers()),
        N_("{address} is the cluster's API server, and is never dropped"): str(address)
        == env.get("KUBERNETES_SERVICE_HOST"),
    }
    return next((kind for kind, is_so in kinds.items() if is_so), None)


def _networks(texts: Iterable[str]) -> Iterator[Network]:
    for text in texts:
        try:
            yield ipaddress.ip_network(text, strict=False)
        except ValueError:
            told = N_("{text} is no network, such as 10.1.0.0/16")
            raise ProtectedError(told, text=repr(text)) from None


def _own() -> Iterator[Address]:
    for found in psutil.net_if_addrs().values():
        for one in found:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                yield ipaddress.ip_address(one.address.partition("%")[0])


def _gateways() -> Iterator[Address]:
    """Read the kernel's own tables: gateways, in hexadecimal."""
    with suppress(OSError):
        for line in _ROUTES.read_text().splitlines()[1:]:
            gateway = int(line.split()[2], 16)
            if gateway:
                yield ipaddress.IPv4Address(struct.pack("=I", gateway))
    with suppress(OSError):
        for line in _ROUTES6.read_text().splitlines():
            gateway = int(line.split()[4], 16)
            if gateway:
                yield ipaddress.IPv6Address(gateway)


def _resolvers() -> Iterator[Address]:
    with suppress(OSError):
        for line in _RESOLVERS.read_text().splitlines():
            match line.split():
                case ["nameserver", text, *_]:
                    with suppress(ValueError):
                        yield ipaddress.ip_address(text.partition("%")[0])
                case _:
                    pass
