"""The pure core: events, the incident folded from them, `decide`, clocks and the timeline.

The live engine, the simulator, the drill and the replay all call it, so it has no clock and no I/O.
"""
