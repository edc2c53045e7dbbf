"""The public status page and its feeds, readable by the tools that read Statuspage's.

What it shows derives from incidents and components alone, so that it can't stay green in an outage.
"""
