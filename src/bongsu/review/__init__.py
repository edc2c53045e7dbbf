"""Learning from an incident: the post-mortem draft, its action items, and metrics against targets.

It reads the event log and never changes what happened.
"""
