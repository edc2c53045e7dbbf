"""Everything served over HTTP: the API, the console and the status page.

It wires requests to the engine and the store, and decides nothing about incidents itself.
"""
