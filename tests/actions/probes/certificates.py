"""An authority of our own, and certificates of every kind of trouble, made by openssl."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Signs certificates in a folder; ``env`` makes looks trust it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._openssl(
            "req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650",
            "-subj", "/CN=Test authority",
        )  # fmt: skip
        self.env = {"SSL_CERT_FILE": str(folder / "ca.pem")}

    def server(self, name: str, days: float = 365) -> ssl.SSLContext:
        """Return a server's context with a certificate for a name that ends in so many days."""
        self._made += 1
        key, request, certificate = (f"{self._made}.{kind}" for kind in ("key", "csr", "pem"))
        self._openssl(
            "req", "-new", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}",
            "-addext", f"subjectAltName=DNS:{name}",
        )  # fmt: skip
        now = datetime.now(UTC)
        (self._folder / "index.txt").write_text("")
        (self._folder / "serial").write_text(f"{1000 + self._made}\n")
        (self._folder / "ca.cnf").write_text(CONFIG)
        self._openssl(
            "ca", "-batch", "-config", "ca.cnf", "-notext", "-in", request, "-out", certificate,
            "-startdate", f"{now - timedelta(days=100):%Y%m%d%H%M%SZ}",
            "-enddate", f"{now + timedelta(days=days):%Y%m%d%H%M%SZ}",
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / certificate, self._folder / key)
        return context

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)


CONFIG = """
[ca]
default_ca = own
[own]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""
