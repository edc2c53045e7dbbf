"""Playbooks at work: a run's plan, what follows from what came of its steps, who may say yes.

All of it is pure; `bongsu.actions.steps` does a step, `bongsu.engine.stepper` has it done.
"""
