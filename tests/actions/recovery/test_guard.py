"""Addresses that may be cut off, and those that never are."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.actions.addresses import ProtectedError, checked


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.2.3.4", "private"),
        ("::ffff:10.2.3.4", "private"),
        ("192.168.0.9", "private"),
        ("100.64.1.1", "private"),
        ("fd00::5", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "no address"),
        ("203.0.113.0/24", "no IPv4 or IPv6"),
        ("203.0.113.7; reboot", "no IPv4 or IPv6"),
        ("２０３.0.113.7", "no IPv4 or IPv6"),
        ("--help", "no IPv4 or IPv6"),
        ("fe80::1%eth0", "zone"),
    ],
)
def test_what_would_cut_ourselves_off_is_refused(address: str, why: str):
    with pytest.raises(ProtectedError, match=why):
        checked(address)


def test_the_clusters_api_server_is_never_dropped():
    with pytest.raises(ProtectedError, match="API server"):
        checked("203.0.113.9", env={"KUBERNETES_SERVICE_HOST": "203.0.113.9"})


def test_an_allowed_network_lets_its_addresses_be_dropped_and_no_others():
    assert str(checked("10.9.1.2", allow=["10.9.0.0/16"])) == "10.9.1.2"
    with pytest.raises(ProtectedError):
        checked("10.8.1.2", allow=["10.9.0.0/16"])
    with pytest.raises(ProtectedError, match="loopback"):
        checked("127.0.0.1", allow=["127.0.0.0/8"])


@given(st.ip_addresses())
def test_what_may_be_dropped_is_exactly_the_address_that_was_given(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
):
    try:
        found = checked(str(address))
    except ProtectedError:
        return
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert found == (mapped or address)
    assert not found.is_loopback
