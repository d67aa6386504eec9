"""elyte: from an electrolyte recipe to its properties with error bars."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from elyte._version import __version__

if TYPE_CHECKING:
    from elyte.potentials.loading import load

__all__ = ["__version__", "load"]

# made available on first use, so that `import elyte` stays light
_LATE = {"load": "elyte.potentials.loading"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'elyte' has no attribute '{name}'")
    return getattr(import_module(_LATE[name]), name)
