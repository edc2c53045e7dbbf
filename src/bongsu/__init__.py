"""Bongsu (봉수) relays incidents the way the team's own manual says.

It checks, simulates, runs and renders that manual with one and the same decision function.
"""


def __getattr__(name: str) -> str:
    if name == "__version__":
        # Reading a distribution's metadata costs more than the rest of `bongsu --help`.
        from importlib.metadata import version  # noqa: PLC0415

        return version("bongsu")
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
