"""One address of an attacker cut off at this machine's packet filter, and let in again.

`guard` says which addresses may never be dropped; `nft` and `iptables` each do it in their way.
"""

from bongsu.actions.addresses.dropping import DropError, backend_named, drop, dropped, undrop
from bongsu.actions.addresses.guard import ProtectedError, checked, read

__all__ = [
    "DropError",
    "ProtectedError",
    "backend_named",
    "checked",
    "drop",
    "dropped",
    "read",
    "undrop",
]
