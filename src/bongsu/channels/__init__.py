"""Outbound to people: Slack, email, SMS, KakaoTalk, the status page and social, with templates.

Each channel is a folder of its own that says of every failure whether it is permanent.
"""
