"""The channels' environment variables, read strictly: all problems at once, no secret shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from urllib.parse import SplitResult, urlsplit

from bongsu.i18n import Translator, translator


class SettingsError(ValueError):
    """Some variables can't be used; the text has a line for each, with what to write instead."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Environment:
    """Variables as they were given, and what was found to be wrong with them."""

    def __init__(self, variables: Mapping[str, str], lang: str = "en") -> None:
        self._variables = variables
        self.t: Translator = translator(lang)
        self.problems: list[str] = []

    def get(self, name: str) -> str | None:
        """Return a variable's value; one that is empty or blank counts as not set."""
        return self._variables.get(name, "").strip() or None

    def refuse(self, name: str, problem: str) -> None:
        """Note what is wrong with a variable (already translated)."""
        self.problems.append(f"{name}: {problem}")

    def url(self, name: str, schemes: tuple[str, ...], example: str) -> SplitResult | None:
        """Return a variable's address; one that is none is noted, and its value is not repeated."""
        value = self.get(name)
        if value is None:
            return None
        try:
            found = urlsplit(value)
            usable = found.scheme in schemes and bool(found.hostname) and found.port != 0
        except ValueError:
            usable = False
        if not usable:
            self.refuse(name, self.t("not a usable address; write for example {x}", x=example))
            return None
        return found

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Note every variable that shares a prefix with a known one but is none: a slip of the pen.

        ``BONGSU_SLACK_TOKEN`` would otherwise leave Slack unconfigured without a word.
        """
        names = sorted(known)
        prefixes = tuple({"_".join(name.split("_")[:2]) + "_" for name in names})
        for name in sorted(self._variables):
            if name.startswith(prefixes) and name not in names:
                near = get_close_matches(name, names, 1, 0) or names
                self.refuse(name, self.t("no such variable; do you mean {x}?", x=near[0]))
