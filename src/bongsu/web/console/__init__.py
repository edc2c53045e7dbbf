"""The responders' console: server-rendered pages that update themselves over server-sent events.

Its incident page answers, from the top, what to do next and by when.
"""
