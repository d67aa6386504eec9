"""Boxes to begin with: different packings, scaled and rattled, and the frames of samplers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elyte.chemistry import pack_box, scaled_and_rattled
from elyte.core.errors import ElyteError
from elyte.core.frame import Frame
from elyte.core.progress import Progress
from elyte.learning.project import Project
from elyte.sampling import Request, sample


def fresh_box(inputs: Mapping[str, Any]) -> Frame:
    """Return a new packing of the molecules, or the cell of a solid."""
    cell: Frame | None = inputs["cell"]
    if cell is not None:
        return cell
    return pack_box(dict(inputs["counts"]), inputs["density"], seed=inputs["seed"])


def pack(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Pack one box, scale the distances between its molecules, and rattle its atoms.

    A task that names a sampler gives that sampler's frames instead.
    """
    if "sampler" in inputs:
        return sampled(inputs, progress)
    try:
        frame = scaled_and_rattled(
            fresh_box(inputs), inputs["scale"], inputs["rattle"], seed=inputs["seed"]
        )
    except ElyteError as error:
        return {"summary": {"outcome": "failed", "reason": str(error)}, "frames": []}
    return {"summary": {"outcome": "done"}, "frames": [frame]}


def sampled(inputs: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Return the frames of a sampler; one that ended early hands over those before its end."""
    try:
        found = sample(Request(**inputs), progress)
    except ElyteError as error:
        return {"summary": {"outcome": "failed", "reason": str(error)}, "frames": []}
    missing = inputs["number"] - len(found.frames)
    reason = found.outcome.reason
    if missing > 0 and not reason:
        reason = f"{len(found.frames)} of {inputs['number']} frames are all there are"
    outcome = "done" if found.frames else "failed"
    summary = {"outcome": outcome, "reason": reason, "frames": len(found.frames)}
    return {"summary": summary, "frames": found.frames}
