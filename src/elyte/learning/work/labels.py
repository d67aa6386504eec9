"""Label frames through the ledger, and compare a potential with labels."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from elyte.core.errors import Outcome
from elyte.core.progress import Progress
from elyte.learning.hybrid import Hybrid
from elyte.learning.project import Project
from elyte.learning.state import Task
from elyte.reference import EngineSettings, check_molecules, label_frames, label_key
from elyte.reference.engines import find_engine
from elyte.validation.errors import errors_of, pressure_error


def label(tasks: Sequence[Task], project: Project, progress: Progress) -> list[dict[str, Any]]:
    """Label all frames of the tasks; what the ledger holds is not computed again."""
    summaries: list[dict[str, Any]] = [{} for _ in tasks]
    for config_type in dict.fromkeys(task.inputs["config_type"] for task in tasks):
        chosen = [i for i, t in enumerate(tasks) if t.inputs["config_type"] == config_type]
        settings = EngineSettings.from_mapping(tasks[chosen[0]].inputs["engine"])
        frames = [project.frame(*tasks[i].inputs["frame"]) for i in chosen]
        version = find_engine(settings.engine).version()
        keys = [label_key(frame, settings, version) for frame in frames]
        known = [project.ledger.get(key) is not None for key in keys]
        begin = time.monotonic()
        labels = label_frames(
            frames,
            settings,
            project.ledger,
            workers=project.workers,
            progress=progress,
            config_type=config_type,
            time_limit=project.time_limit,
            cores=project.cores,
            accept=None if tasks[chosen[0]].inputs.get("reactions") else check_molecules,
        )
        spent = (time.monotonic() - begin) / max(1, known.count(False))
        for i, key, was_known, result in zip(chosen, keys, known, labels, strict=True):
            bad = isinstance(result, Outcome)
            summaries[i] = {
                "outcome": result.kind if isinstance(result, Outcome) else "done",
                "reason": result.reason if isinstance(result, Outcome) else "",
                "label": key,
                "known": was_known and not bad,
                "seconds": round(_recorded(project, key) if was_known else spent, 3),
            }
    return summaries


def _recorded(project: Project, key: str) -> float:
    """Return the share of the wall time that a label took when it was made, s.

    A run that goes on, or is reported again, tells what its labels cost, not that they are free.
    """
    entry = project.ledger.entry(key)
    return float((entry.provenance if entry else {}).get("seconds", 0.0)) / project.workers


def check(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Compare the potential with labels on which it was not trained."""
    hybrid = Hybrid.of(inputs)
    data = hybrid.totals(project.labelled(inputs["labels"]), project)
    model = hybrid.model(project.potential(inputs["potential"]))
    evaluations = model.evaluate([item.frame for item in data])
    found = errors_of(evaluations, data)
    pressure, pressure_uncertainty = pressure_error(evaluations, data)
    summary = {
        "force_rmse": float(found.force_rmse),
        "force_rmse_error": float(found.force.rmse_error),
        "force_mae": float(found.force_mae),
        "energy_rmse": float(found.energy_rmse),
        "energy_rmse_error": float(found.energy.rmse_error),
        "energy_mae": float(found.energy_mae),
        "pressure": pressure,
        "pressure_error": pressure_uncertainty,
        "frames": float(len(data)),
    }
    return {"summary": summary}
