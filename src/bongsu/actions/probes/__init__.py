"""One module for each kind of thing that is looked at, each with a ``look``.

They only read. What is wrong with the thing is a finding; what kept them from looking is unknown.
"""
