"""The HTTP API: signal intake in the senders' own formats, and the resources for programs.

Intake is raw ASGI because it carries the storms; the rest is described by OpenAPI.
"""
