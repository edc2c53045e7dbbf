"""Outbound to people: Slack, email and the terminal, each in a folder of its own.

A channel takes a `message.Message` (pure data) and has one effect; every failure says whether it
is permanent. To add one, copy a folder and add its line to `registry.FOLDERS`.
"""
