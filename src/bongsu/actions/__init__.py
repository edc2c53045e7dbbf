"""Outbound to systems: commands, kubectl, HTTP, databases and Prometheus, each bounded and masked.

Playbooks, verification and diagnosis run on top of these, always from the manual's own text.
"""
