"""The typed manual: its schema, loading with file and line in every error, check, render and diff.

It is pure but for `bongsu.manual.load`, which reads the folder; everything else builds on it.
"""
