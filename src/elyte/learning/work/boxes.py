"""Boxes to begin with: different packings, scaled and rattled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elyte.chemistry import pack_box, scaled_and_rattled
from elyte.core.errors import ElyteError
from elyte.core.frame import Frame
from elyte.core.progress import Progress
from elyte.learning.project import Project


def fresh_box(inputs: Mapping[str, Any]) -> Frame:
    """Return a new packing of the molecules, or the cell of a solid."""
    cell: Frame | None = inputs["cell"]
    if cell is not None:
        return cell
    return pack_box(dict(inputs["counts"]), inputs["density"], seed=inputs["seed"])


def pack(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Pack one box, scale the distances between its molecules, and rattle its atoms."""
    try:
        frame = scaled_and_rattled(
            fresh_box(inputs), inputs["scale"], inputs["rattle"], seed=inputs["seed"]
        )
    except ElyteError as error:
        return {"summary": {"outcome": "failed", "reason": str(error)}, "frames": []}
    return {"summary": {"outcome": "done"}, "frames": [frame]}
