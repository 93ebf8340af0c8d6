"""Fetching MNIST over HTTP, on request only: each file from the first mirror whose content has the right SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import sys
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

from ..checkpoint import replacing
from .mnist_files import FILES, unzipped

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")
LARGEST = 64 << 20  # bytes; the largest file unzips to 47 MB, so a server that sends more is not sending MNIST


def fetch(root, mirrors=MIRRORS, timeout: float = 30) -> None:
    """Put MNIST's four files, gzipped, into the folder `root`. What is there and right already stays.

    A file appears under its name only when it is whole and its content has the published sum. If no mirror gives it,
    the OSError says what each one did.
    """
    root = Path(root)
    for name, digest in FILES.items():
        path = root / f"{name}.gz"
        there = next((p for p in (path, root / name) if p.is_file()), None)  # the one that mnist() reads
        if there and _why_wrong(there.read_bytes(), digest) is None:
            print(f"{name}: already there")
            continue
        failures = []
        for mirror in mirrors:
            url = f"{mirror.rstrip('/')}/{name}.gz"
            try:
                content = _download(url, timeout)
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures.append(f"{url}: {_reason(error)}")
                continue
            wrong = _why_wrong(content, digest)
            if wrong is None:
                root.mkdir(parents=True, exist_ok=True)
                with replacing(path) as temporary:
                    temporary.write_bytes(content)
                print(f"{name}: {len(content):,} bytes from {mirror}")
                break
            failures.append(f"{url}: {wrong}")
        else:
            advice = f"put MNIST's four files into {root} by hand; the embedded digits() need no download"
            raise OSError(f"{name} could not be fetched:\n  " + "\n  ".join(failures) + f"\n{advice}")


def _download(url, timeout):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        length = int(answer.headers.get("Content-Length") or 0)
        content, shown = bytearray(), 0.0
        while chunk := answer.read(1 << 16):
            content += chunk
            if len(content) > LARGEST:
                raise OSError(f"more than {LARGEST:,} bytes came")
            if sys.stderr.isatty() and time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                print(f"\r{len(content):,} of {length:,} bytes ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if length and len(content) != length:
        raise OSError(f"cut off after {len(content):,} of {length:,} bytes")
    return bytes(content)


def _why_wrong(content, digest):
    """None if `content` unzips to what has the SHA-256 `digest`, else what is wrong with it."""
    try:
        content = unzipped(content, LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        return f"what came does not unzip ({error})"
    found = hashlib.sha256(content).hexdigest()
    return None if found == digest else f"what came has the SHA-256 {found[:12]}... instead of {digest[:12]}..."


def _reason(error):
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    return str(getattr(error, "reason", error)) or repr(error)
