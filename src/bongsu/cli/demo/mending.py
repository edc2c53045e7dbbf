"""What the demo's manual looks at, and how it brings its backend back.

The seed's checks and playbooks are for a cluster that the demo doesn't have: its own look at the
two small servers, and restart the backend through its supervisor.
"""

from __future__ import annotations

import hashlib

from bongsu.manual.schema.diagnosis import Diagnosis
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Playbook

RESTART = "restart_backend"


def mendable(manual: Manual, frontend: str, backend: str, supervisor: str) -> Manual:
    """Return the manual with checks of, and a playbook for, the demo's own servers (addresses)."""
    document = {
        "automatic": ["P0", "P1", "P2"],
        "groups": {"api_health": ["api_health", "frontend"]},
        "checks": {
            "api_health": _asks("API 상태", "Does the API answer?", "korea-backend", backend),
            "frontend": _asks("웹사이트", "Does the website answer?", "korea-frontend", frontend),
        },
        "rules": [
            {
                "when": "checks.api_health == 'unhealthy'", "severity": "P0", "type": "server_down",
                "next": [{"ko": "백엔드 재시작", "en": "Restart the backend"}],
                "playbooks": [RESTART],
            }
        ],
    }  # fmt: skip
    playbook = Playbook.model_validate({
        "name": {"ko": "백엔드 재시작", "en": "Restart the backend"},
        "types": ["server_down"],
        "lock": "demo/backend",
        "steps": [
            {
                "kind": "http",
                "name": {"ko": "관리자에게 재시작 요청", "en": "Tell the supervisor"},
                "url": supervisor, "approve": "technical_lead", "idempotent": True,
            },
            {
                "kind": "wait", "name": {"ko": "안정될 때까지 대기", "en": "Let it settle"},
                "duration": "1s",
            },
            {
                "kind": "check", "name": {"ko": "API 확인", "en": "Check the API"},
                "checks": ["api_health"], "retry": {"times": 3, "wait": "1s"},
            },
        ],
    })  # fmt: skip
    sha = hashlib.sha256(f"{manual.sha} mended by {supervisor}".encode()).hexdigest()
    # Nothing outside is asked: what is not the demo's has no address and no cluster.
    alone = {
        name: service.model_copy(update={"health": None, "workload": None, "logs": []})
        for name, service in manual.services.services.items()
    }
    chapters = {
        "services": manual.services.model_copy(update={"services": alone}),
        "diagnosis": Diagnosis.model_validate(document),
        "playbooks": {RESTART: playbook},
        "sha": sha,
    }
    return manual.model_copy(update=chapters)


def _asks(ko: str, en: str, service: str, url: str) -> dict[str, object]:
    return {
        "name": {"ko": ko, "en": en}, "service": service, "timeout": "2s",
        "probe": {"kind": "http", "url": url},
    }  # fmt: skip
