"""How remarkable a template's count is, against what the baseline lets one expect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bongsu.logs.analysis import Novelty

OVERDISPERSION = 0.5
"""by how much of itself a rate may move without being remarkable: traffic comes and goes"""
UNSEEN, ERROR = 3.0, 1.5
"""factors for a template that the baseline never had, and for one that speaks of an error"""
SPIKING, FADED, ENOUGH = 3.0, 0.3, 5.0
FADING = -1.0
"""below it the score of what fades"""

Floats = NDArray[np.float64]


def surprise(count: NDArray[np.int64], expected: Floats, before: NDArray[np.int64]) -> Floats:
    """Return a z-score with room for rates that drift, times `UNSEEN` for what is new; (m,)."""
    spread = np.sqrt(expected + (OVERDISPERSION * expected) ** 2 + 1)
    z = (count - expected) / spread
    score: Floats = np.where((before == 0) & (count > 0), z * UNSEEN, z)
    return score


def novelty(count: int, expected: float, *, before: int) -> Novelty:
    """Name what has become of a template since the baseline."""
    if count and not before:
        return "new"
    z = (count - expected) / (expected + (OVERDISPERSION * expected) ** 2 + 1) ** 0.5
    if z >= SPIKING:
        return "spiking"
    return "fading" if expected >= ENOUGH and count <= FADED * expected else "usual"
