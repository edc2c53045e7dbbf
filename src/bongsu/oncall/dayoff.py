"""Public holidays: the calendar library's, with what the manual adds and removes."""

from __future__ import annotations

from datetime import date
from functools import cache
from zoneinfo import ZoneInfo

from bongsu.manual.schema.base import Text
from bongsu.manual.schema.oncall import Holidays
from bongsu.oncall.spans import Track, whole_day


def days_off(rule: Holidays) -> dict[date, Text]:
    """Return the name of every holiday, in both languages as far as the library has them.

    A country that the library does not know has the manual's own days alone.
    """
    days = dict(published(rule.country))
    days.update({extra.date: extra.name for extra in rule.add})
    return {day: name for day, name in sorted(days.items()) if day not in rule.remove}


def holiday_track(rule: Holidays, zone: ZoneInfo) -> Track[tuple[date, Text]]:
    """Return each holiday from midnight to midnight in ``zone``."""
    days = days_off(rule).items()
    return Track((whole_day(day.toordinal(), zone), (day, name)) for day, name in days)


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
