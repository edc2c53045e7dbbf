"""Log analysis: templates mined from raw lines, their counts, and what is new since a baseline.

It is compute over bytes that the caller hands in; only `files` and `exact` read any themselves, and
`machine` keeps compiled code.
"""

from __future__ import annotations

# `analyse` is the whole of it, over (source, block) pairs: docs/how-to/analyse-logs.md has an
# example. `Analyser` is the same step by step, `Miner` finds templates alone, `mask` takes secrets
# out of a text, `most_frequent` is the plain pipeline.
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bongsu.logs.analyser import Analyser, analyse
    from bongsu.logs.analysis import Analysis, Pattern, Variable
    from bongsu.logs.exact import most_frequent
    from bongsu.logs.files import UnreadableLog, blocks, stream
    from bongsu.logs.masking import mask
    from bongsu.logs.miner import Miner, Templates

__all__ = [
    "Analyser",
    "Analysis",
    "Miner",
    "Pattern",
    "Templates",
    "UnreadableLog",
    "Variable",
    "analyse",
    "blocks",
    "mask",
    "most_frequent",
    "stream",
]

_HOMES = {
    "analyser": ("Analyser", "analyse"),
    "analysis": ("Analysis", "Pattern", "Variable"),
    "exact": ("most_frequent",),
    "files": ("UnreadableLog", "blocks", "stream"),
    "masking": ("mask",),
    "miner": ("Miner", "Templates"),
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for: the server imports `analysis`, and never numpy."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"bongsu.logs.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
