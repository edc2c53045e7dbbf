"""Log lines from where they are kept: Kubernetes, Loki, the systemd journal, files.

`analyse` runs in a process of its own, so that whoever calls it never imports numpy.
"""

from bongsu.actions.logsources.apart import analyse
from bongsu.actions.logsources.source import BadSource, Source, parse

__all__ = ["BadSource", "Source", "analyse", "parse"]
