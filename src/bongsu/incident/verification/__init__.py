"""Recovery verification (복구 검증): what a test measured, and whether it meets its criterion.

Whatever can't be read, is empty or is no number is inconclusive, which is never a pass.
"""
