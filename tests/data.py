"""Optional real data for tests: a folder `shared/data` beside the checkout (or $ELYTE_DATA)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(relative: str) -> Path:
    """Return the path of a shared data file, or skip the test with the reason."""
    path = Path(os.environ.get("ELYTE_DATA", _DEFAULT)) / relative
    if not path.exists():
        pytest.skip(f"the optional data file {relative} is not there (set ELYTE_DATA)")
    return path
