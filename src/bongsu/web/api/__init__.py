"""The REST API under ``/api/v1``: what the console can do, a program can do.

Answers are msgspec structs (`views`), requests are pydantic models beside their routes, refusals
are `bongsu.web.problems`; docs/reference/api.md describes it.
"""
