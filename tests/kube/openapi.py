"""``/openapi/v2``, as far as ``--dry-run=server`` of a kubectl before 1.27 reads it.

It asks for the document in protobuf only, and looks whether the PATCH of the kind takes a
parameter ``dryRun``. That much is written here, in the wire format of gnostic's `openapi_v2`
messages (the numbers below are its field numbers); there are no schemas for validation.
"""

from __future__ import annotations

from tests.kube.discovery import METRICS, RESOURCES

CONTENT_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

_SWAGGER, _INFO, _PATHS = 1, 2, 8
_NAME, _VALUE = 1, 2
_PATH, _PATCH = 2, 8
_PARAMETERS, _EXTENSION = 8, 13
_PARAMETER, _NON_BODY, _QUERY, _QUERY_IN, _QUERY_NAME = 1, 2, 3, 2, 4
_YAML = 2


def document() -> bytes:
    """Return the document, encoded."""
    info = _text(1, "Kubernetes") + _text(2, "v1")
    paths = b"".join(
        _field(
            _PATH, _text(_NAME, f"/{version}/{one.name}") + _field(_VALUE, _path(version, one.kind))
        )
        for version, resources in RESOURCES.items()
        if version != METRICS
        for one in resources
    )
    return _text(_SWAGGER, "2.0") + _field(_INFO, info) + _field(_PATHS, paths)


def _path(version: str, kind: str) -> bytes:
    group, _, number = version.rpartition("/")
    yaml = f'group: "{group}"\nkind: "{kind}"\nversion: "{number}"\n'
    name = _text(_NAME, "x-kubernetes-group-version-kind")
    extension = _field(_EXTENSION, name + _field(_VALUE, _text(_YAML, yaml)))
    query = _field(_QUERY, _text(_QUERY_IN, "query") + _text(_QUERY_NAME, "dryRun"))
    parameter = _field(_PARAMETERS, _field(_PARAMETER, _field(_NON_BODY, query)))
    return _field(_PATCH, parameter + extension)


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, content: bytes) -> bytes:
    """Encode a field of bytes, text or a message: all three look alike on the wire."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
