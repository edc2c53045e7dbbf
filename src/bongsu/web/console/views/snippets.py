"""What to paste into a sender's configuration, so that its signals come to Bongsu."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from bongsu.i18n import N_, Translator

PLACEHOLDER = "YOUR_KEY"


class Snippet(NamedTuple):
    """One sender's configuration."""

    title: str
    file: str
    """where it goes"""
    text: str


_ALERTMANAGER = """receivers:
  - name: bongsu
    webhook_configs:
      - url: {base}/in/{key}/alertmanager
        send_resolved: true
"""
_ALERTMANAGER_PAGERDUTY = """receivers:
  - name: bongsu
    pagerduty_configs:
      - url: {base}/v2/enqueue
        routing_key: {key}
        send_resolved: true
"""
_PROMETHEUS = """alerting:
  alertmanagers:
    - scheme: {scheme}
      path_prefix: /in/{key}
      api_version: v2
      static_configs:
        - targets: ['{host}']
"""
_PAGERDUTY = """curl {base}/v2/enqueue -H 'Content-Type: application/json' -d '{{
  "routing_key": "{key}", "event_action": "trigger", "dedup_key": "disk-db-1",
  "payload": {{"summary": "db-1: disk 95 % full", "source": "db-1", "severity": "critical"}}
}}'
"""
_CURL = """curl {base}/in/{key}/signal -H 'Content-Type: application/json' -d '{{
  "key": "disk-db-1", "summary": "db-1: disk 95 % full", "severity": "critical",
  "labels": {{"service": "korea-backend"}}
}}'
"""

_CHANGE = """curl {base}/v1/changes -H 'Authorization: Bearer {key}' -d '{{
  "summary": "korea-backend v1.2.3", "kind": "deployment", "service": "korea-backend"
}}'
"""
_FLAGS = """LaunchDarkly  {base}/in/{key}/changes/launchdarkly
Unleash       {base}/in/{key}/changes/unleash
GitHub        {base}/in/{key}/changes/github
"""

_KNOWN: tuple[tuple[str, str, str, str], ...] = (
    ("alertmanager", N_("Alertmanager: webhook"), "alertmanager.yml", _ALERTMANAGER),
    ("pagerduty", N_("Alertmanager: as PagerDuty"), "alertmanager.yml", _ALERTMANAGER_PAGERDUTY),
    ("prometheus", N_("Prometheus without an Alertmanager"), "prometheus.yml", _PROMETHEUS),
    ("pagerduty", N_("Senders that speak PagerDuty (Events v2)"), "", _PAGERDUTY),
    ("generic", N_("Your own scripts"), "", _CURL),
    ("changes", N_("What was changed: from your own scripts"), "", _CHANGE),
    ("changes", N_("What was changed: webhooks of flags and deployments"), "", _FLAGS),
)


def snippets(base_url: str, formats: Iterable[str], key: str, t: Translator) -> list[Snippet]:
    """Return what fits a sender's formats; without a key there is a placeholder."""
    return list(_filled(base_url, set(formats), key or PLACEHOLDER, t))


def _filled(base_url: str, formats: set[str], key: str, t: Translator) -> Iterator[Snippet]:
    address = urlsplit(base_url)
    for format_, title, file, text in _KNOWN:
        if format_ in formats:
            filled = text.format(base=base_url, key=key, scheme=address.scheme, host=address.netloc)
            yield Snippet(t(title), file, filled)
