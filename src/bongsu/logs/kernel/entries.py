"""What Python calls of the kernel, with plain numbers and addresses only.

Importing it imports numba and compiles, which takes some seconds: `machine` does so once.
"""

from __future__ import annotations

from typing import Any

from numba import cfunc, int32, int64, types, uint8, uint64

from bongsu.logs.kernel import kinds, scanning, searching

LONG = int64
BYTES, INTS, LONGS, WORDS = map(types.CPointer, (uint8, int32, int64, uint64))

SIGNATURES: dict[Any, tuple[Any, ...]] = {
    scanning.scan: (
        *(LONG, LONG, LONG, LONG, WORDS, LONG, WORDS, INTS, LONG, LONG),
        *(LONG, LONGS, LONGS, INTS, BYTES, WORDS, LONGS),
    ),
    kinds.join: (LONG, LONGS, LONGS, INTS, BYTES, LONG, WORDS, LONGS),
    scanning.settle: (LONG, LONG, WORDS, INTS, LONG, LONG, WORDS, INTS, LONG, LONGS),
    scanning.rehash: (LONG, WORDS, INTS, WORDS, INTS, LONG),
    searching.search: (LONG, LONG, LONG, LONG, WORDS, LONG, LONG, LONGS, WORDS, LONGS),
}


def entries() -> dict[str, Any]:
    """Compile them, by their names."""
    return {
        function.__name__: cfunc(int64(*signature), error_model="numpy")(function)
        for function, signature in SIGNATURES.items()
    }
