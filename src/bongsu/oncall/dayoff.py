"""Public holidays: the calendar library's, with what the manual adds and removes."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from bongsu.manual.schema.base import Text
from bongsu.manual.schema.oncall import Holidays
from bongsu.oncall.spans import FOR_EVER, SINCE_EVER, Span, local_day, whole_day


def days_off(rule: Holidays) -> dict[date, Text]:
    """Return the name of every holiday, in both languages as far as the library has them.

    A country that the library does not know has the manual's own days alone.
    """
    days = dict(published(rule.country))
    days.update({extra.date: extra.name for extra in rule.add})
    return {day: name for day, name in sorted(days.items()) if day not in rule.remove}


class DaysOff:
    """The holidays, each from midnight to midnight in whatever zone is asked about."""

    def __init__(self, rule: Holidays) -> None:
        self._names = {day.toordinal(): (day, name) for day, name in days_off(rule).items()}
        self._days = list(self._names)

    def around(self, at: datetime, zone: ZoneInfo) -> tuple[Span, tuple[date, Text] | None]:
        """Return the holiday at an instant, None where there is none, and how long that is so."""
        day = local_day(at, zone)
        while whole_day(day, zone).until <= at:  # the clock went back over midnight
            day += 1
        if day in self._names:
            return whole_day(day, zone), self._names[day]
        following = bisect_right(self._days, day)
        start = whole_day(self._days[following - 1], zone).until if following else SINCE_EVER
        more = following < len(self._days)
        return Span(start, whole_day(self._days[following], zone).start if more else FOR_EVER), None


@cache
def published(country: str) -> dict[date, Text]:
    """Return the holidays that the library has for a country (KR: 1948 to 2100)."""
    import holidays  # noqa: PLC0415  it takes a tenth of a second, and not everyone needs it

    try:
        known = holidays.country_holidays(country)
    except NotImplementedError:
        return {}
    korean, english = (
        holidays.country_holidays(
            country,
            years=range(known.start_year, known.end_year + 1),
            language=_nearest(known.supported_languages, lang),
        )
        for lang in ("ko", "en")
    )
    return {day: Text(ko=korean[day], en=name) for day, name in english.items()}


def _nearest(languages: tuple[str, ...], lang: str) -> str | None:
    """Return the library's name of a language, or else of English; None is the country's own."""
    for wanted in (lang, "en"):
        for name in languages:
            if name.split("_")[0] == wanted:
                return name
    return None
