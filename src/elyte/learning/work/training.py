"""Train the potential on the labels, and build its active set."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from elyte.core.progress import Progress
from elyte.learning.hybrid import Hybrid
from elyte.learning.project import Project
from elyte.potentials.mtp import MTP, RepulsiveCore
from elyte.potentials.mtp.training import Weights, smallest_distance
from elyte.potentials.mtp.training import train as train_potential
from elyte.reference import EngineSettings, isolated_atom_energies
from elyte.selection import ActiveSet

DISTANCE_MARGIN = 0.95  # the radial functions reach a little below the smallest distance seen


def train(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Train on the labels named, from the potential before (or from scratch).

    A repulsive core lies below the shortest distances of the labels: where nothing is known, a
    cation shall not fall into a molecule of a fresh packing.
    """
    data = Hybrid.of(inputs).targets(project.labelled(inputs["labels"]), project)
    settings = EngineSettings.from_mapping(inputs["engine"])
    atoms = isolated_atom_energies(data.species, settings, project.ledger)
    if inputs["initial"]:
        # without its core, which these labels may reach into
        initial = project.potential(inputs["initial"]).with_core(None)
    else:
        initial = MTP.initial(
            inputs["level"],
            data.species,
            cutoff=inputs["cutoff"],
            radial_size=inputs["radial_size"],
            min_distance=round(DISTANCE_MARGIN * smallest_distance(data.frames), 3),
            seed=inputs["seed"],
        )
    result = train_potential(
        initial,
        data,
        weights=Weights(**inputs["weights"]),
        isolated_atoms=atoms,
        threads=project.workers,
        max_seconds=inputs["seconds"],
        progress=progress,
        seed=inputs["seed"],
    )
    active = ActiveSet.build(result.potential, data.frames, mode=inputs["mode"])
    core = RepulsiveCore.below(data.frames, result.potential.species)
    return {
        "summary": {
            "species": list(result.potential.species),
            "force_rmse": float(result.errors.force_rmse),
            "energy_rmse": float(result.errors.energy_rmse),
            "evaluations": len(result.history),
        },
        "potential": _text(result.potential.with_core(core)),
        "active_set": _bytes(active),
    }


def _text(potential: MTP) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "potential.almtp"
        potential.save(path)
        return path.read_text()


def _bytes(active: ActiveSet) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "active.npz"
        active.save(path)
        return np.frombuffer(path.read_bytes(), dtype=np.uint8)
