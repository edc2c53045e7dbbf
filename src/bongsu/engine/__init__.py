"""The loop around the core: load an incident, decide, append and defer in one transaction.

Workers run the deferred effects and append what happened, which wakes the incident again.
"""
