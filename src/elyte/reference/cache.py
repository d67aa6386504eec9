"""Small things that are costly to compute and true of any project: kept beside the user's cache.

The folder is `$XDG_CACHE_HOME/elyte` or `~/.cache/elyte`. It may be deleted at any time, and what
cannot be read or written is computed anew: nothing depends on it but time.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from pathlib import Path


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "elyte"


def _path(table: str) -> Path:
    return _folder() / f"{table}.json"


def _read(table: str) -> dict[str, float]:
    try:
        found = json.loads(_path(table).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    """Write a file at once, or not at all."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)


def recall(table: str, name: str) -> float | None:
    """Return a number that was remembered, or None."""
    value = _read(table).get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def remember(table: str, name: str, value: float) -> None:
    """Keep a number; two processes that write at once may lose one of two, never both."""
    _write(_path(table), json.dumps({**_read(table), name: value}, indent=1))


def recall_text(table: str, name: str) -> str | None:
    """Return a text that was remembered, or None."""
    try:
        return (_folder() / table / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def remember_text(table: str, name: str, text: str) -> None:
    """Keep a text in a file of its own, `table/name`."""
    _write(_folder() / table / name, text)
