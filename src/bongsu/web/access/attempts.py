"""How often somebody may try to sign in: counted by account, by address, and by both together.

An attacker who fails on purpose must not be able to shut an account out, so the tightest count is
that of an account at one address, and a one-time link is never counted.
"""

from __future__ import annotations

import ipaddress
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bongsu.store import sessions
from bongsu.store.access import is_login

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

WINDOW = timedelta(minutes=10)
TOGETHER, BY_ADDRESS, BY_ACCOUNT = 5, 30, 60
"""attempts within the window"""


async def wait(conn: PoolConnection, login: str, address: str, now: datetime) -> int:
    """Count one attempt; returns the seconds to wait before the next one, 0 if it is allowed."""
    longest = 0
    for key, most in _keys(login, address).items():
        count, since = await sessions.count_attempt(conn, key, now, WINDOW)
        if count > most:
            longest = max(longest, math.ceil((since + WINDOW - now).total_seconds()))
    return longest


async def succeeded(conn: PoolConnection, login: str, address: str, now: datetime) -> None:
    """Forget the failures that led to a success; an address keeps its count."""
    together, _, _ = _keys(login, address)
    await sessions.forget_attempts(conn, [together], now - WINDOW)


def _keys(login: str, address: str) -> dict[str, int]:
    place = network(address)
    login = login if is_login(login) else "?"
    return {
        f"both {place} {login}": TOGETHER,
        f"address {place}": BY_ADDRESS,
        f"account {login}": BY_ACCOUNT,
    }


def network(address: str) -> str:
    """Return what one sender can't leave: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
