"""Log analysis: templates mined from raw lines, their counts, and what is new since a baseline.

It is pure compute over bytes that the caller hands in.
"""
