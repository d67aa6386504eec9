"""How many atoms bind a ligand to an ion: monodentate, bidentate, …."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import Mean
from elyte.analysis.jackknife import jackknife
from elyte.analysis.speciation.shells import Contacts
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

GROUP = "Denticity of bound ligands"


def _samples(runs: Sequence[Contacts]) -> Array:
    """Contacts by 1, 2, 3, … atoms of each ion, per frame, (ions of all runs, most)."""
    most = max((int(r.atoms.max(initial=1)) for r in runs), default=1)
    rows = []
    for run in runs:
        flat = run.centre * most + run.atoms - 1
        counts = np.bincount(flat, minlength=run.centres * most)
        rows.append(counts.reshape(run.centres, most) / run.frames)
    return np.concatenate(rows)


def _share(bound: Array, columns: slice) -> Mean:
    def estimate(row: Array) -> float:
        return float(row[columns].sum() / row.sum())

    return jackknife(bound, estimate, np.ones((len(bound), 1)), corrected=False)


def denticity(
    runs: Sequence[Contacts], species: str = "", temperature: float | None = None
) -> tuple[Quantity, Curve]:
    """Return the share of bound ligands that are multidentate, and the distribution.

    A ligand counts as often as it is bound; the error is a jackknife over ions.

    Args:
        runs: contacts of ions and ligands, with the atoms that bind.
        species: what the result belongs to.
        temperature: K.

    Raises:
        InputError: no runs.
    """
    if not runs:
        raise InputError("the denticity of ligands needs the contacts of at least one run")
    samples = _samples(runs)
    total = samples.sum()
    fields: dict[str, Any] = {"species": species, "temperature": temperature}
    name, method = "multidentate fraction", "bound ligands held by two or more atoms"
    share = samples.sum(axis=0) / total if total else np.zeros(samples.shape[1])
    bound = samples[samples.sum(axis=1) > 0]
    found = [_share(bound, slice(k, k + 1)) for k in range(samples.shape[1])] if len(bound) else []
    curve = Curve(
        "fraction of bound ligands",
        np.arange(1.0, samples.shape[1] + 1),
        share,
        np.array([m.error for m in found]) if found else None,
        "binding atoms",
        "1",
        species,
        species,
        {"categories": [str(n + 1) for n in range(samples.shape[1])]},
        GROUP,
    )
    if not len(bound):
        return Quantity.withhold(name, "1", "no ligand is ever bound", **fields), curve
    mean = _share(bound, slice(1, None))
    if not mean.reason and not samples[:, 1:].any():
        reason = f"none among {len(bound)} ions with ligands"
        return Quantity.withhold(name, "1", reason, **fields), curve
    return mean.quantity(name, "1", f"{method}; jackknife over ions", **fields), curve
