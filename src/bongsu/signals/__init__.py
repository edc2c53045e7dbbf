"""Inbound: the senders' wire formats, deduplication into alerts, routing, heartbeats and probes.

It turns bytes into signals and knows the core, but neither the store nor the web.
"""
