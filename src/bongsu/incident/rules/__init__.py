"""The manual's sentences as rules: each yields what is due now, and when to ask it again.

`bongsu.incident.decide` asks them in its order; a rule sees what those before it have written.
"""
