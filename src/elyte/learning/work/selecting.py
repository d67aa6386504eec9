"""Choose which of the saved frames are worth a label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from elyte.core.progress import Progress
from elyte.learning.project import Project
from elyte.learning.state import FrameRef


def select(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Pick the saved frames that enter the active set by MaxVol (or frames at random)."""
    refs, frames = [], []
    for task in inputs["trajectories"]:
        for index in project.result(task)["summary"]["saved"]:
            refs.append(FrameRef(task, index))
            frames.append(project.frame(task, index))
    limit = int(inputs["limit"])
    if not refs:
        picks: list[int] = []
    elif inputs["selection"] == "random":
        rng = np.random.default_rng(inputs["seed"])
        picks = [int(i) for i in rng.permutation(len(refs))[:limit]]
    else:
        active = project.active_set(inputs["potential"])
        picks = active.select(project.potential(inputs["potential"]), frames, limit=limit)
    return {"summary": {"picks": [refs[i].plain() for i in picks], "candidates": len(refs)}}
