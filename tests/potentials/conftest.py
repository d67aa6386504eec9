"""Skip levels that the kernel was not built for: `scripts/sanitize` builds the lower ones only."""

from __future__ import annotations

from pathlib import Path

import pytest

from elyte._native.mtp import highest_level


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder whose parameter or mark `level` is too high."""
    reason = f"the kernel was built for levels up to {highest_level}"
    for item in items:
        level = item.callspec.params.get("level", 0) if hasattr(item, "callspec") else 0
        level = max([level, *(mark.args[0] for mark in item.iter_markers("level"))])
        if level > highest_level and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason=reason))
