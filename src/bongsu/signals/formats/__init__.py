"""The senders' wire forms, one module each: pure functions from bytes to alerts or refusals.

A new form is a module here with its decoder and tests, and a path in `bongsu.web.ingest_forms`.
"""
