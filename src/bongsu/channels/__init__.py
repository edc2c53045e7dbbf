"""Outbound to people: Slack, email and the terminal, each in a folder of its own.

A channel takes a `message.Message` (pure data), has one effect, and says of every failure whether
it is permanent; to add one, copy a folder and add its line to `registry.FOLDERS`.
"""
