"""The fast path: one pass over the bytes, compiled, without the interpreter's lock.

Read `bits` first, then `scanning`. Whatever imports these imports numba; `machine` loads the code
without.
"""
