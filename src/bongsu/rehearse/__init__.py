"""The manual tried without a fire: a simulated year, drill scenarios, and the replay of the past.

It drives the same core as the engine with an in-memory log and a virtual clock.
"""
