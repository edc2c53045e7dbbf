"""The built front end: files are asked for by their content's hash and kept for ever."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

PREFIX = "/assets"
FOR_EVER = "public, max-age=31536000, immutable"
_HASHED = re.compile(r"-[A-Z0-9]{8}\.\w+$")


def folder() -> Path:
    """Return where the built files lie."""
    return Path(str(resources.files("bongsu.web").joinpath("assets")))


@cache
def manifest() -> dict[str, str]:
    """Return every file's hash by its name; empty where nothing has been built."""
    known = folder() / "manifest.json"
    if not known.is_file():
        return {}
    return msgspec.json.decode(known.read_bytes(), type=dict[str, str])


def asset(name: str) -> str:
    """Return the address of a built file: ``/assets/app.css?v=4842c6d861cb``."""
    version = manifest().get(name)
    return f"{PREFIX}/{name}?v={version}" if version else f"{PREFIX}/{name}"


class Assets(StaticFiles):
    """Serves them; what is asked for by its hash never changes."""

    def __init__(self) -> None:
        super().__init__(directory=folder(), check_dir=False)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope,
        status_code: int = 200,
    ) -> Response:  # fmt: skip
        """Add how long it may be kept."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = FOR_EVER if _is_hashed(scope) else "no-cache"
        return response


def _is_hashed(scope: Scope) -> bool:
    name = scope["path"].removeprefix(PREFIX).lstrip("/")
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("v", [""])[0]
    return bool(_HASHED.search(name)) or (asked != "" and manifest().get(name) == asked)
