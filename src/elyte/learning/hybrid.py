"""A learned potential and D3 together: what is learned, what is added, what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from elyte.core.frame import Dataset, LabelledFrame, Labels
from elyte.learning.project import Project
from elyte.potentials import Potential, Sum
from elyte.potentials.dispersion import Dispersion
from elyte.reference.dispersion import DispersionSettings, add_part, evaluate_dispersion
from elyte.workflow.codec import content_hash

Treatment = Literal["added", "learned", "omitted"]


@dataclass(frozen=True)
class Hybrid:
    """What becomes of the dispersion in labels, training and runs.

    With B the energy without dispersion, the engine's labels are B (+ D3 if `in_labels`), and a
    run is to have B + D3, unless it is omitted.

    Args:
        settings: the dispersion; None leaves everything as it is.
        in_labels: whether the engine's labels already hold it.
        potential: "added" at run time, "learned" by the potential, or "omitted" altogether.
    """

    settings: DispersionSettings | None = None
    in_labels: bool = False
    potential: Treatment = "added"

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Hybrid:
        """Return that of a task's inputs (or a run's settings), in which `as_dict` put it."""
        plain = inputs.get("dispersion")
        if plain is None:
            return cls()
        settings = DispersionSettings.from_mapping(plain["settings"])
        return cls(settings, bool(plain["in_labels"]), plain["potential"])

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        settings = None if self.settings is None else self.settings.as_dict()
        return {"settings": settings, "in_labels": self.in_labels, "potential": self.potential}

    @property
    def is_trivial(self) -> bool:
        """Whether labels are learned as they are, and nothing is added."""
        return self.settings is None or (self.in_labels and self.potential == "learned")

    @property
    def learned_sign(self) -> int:
        """How often D3 is added to the engine's labels before they are learned: −1, 0 or 1."""
        return int(self.potential == "learned") - int(self.in_labels)

    @property
    def total_sign(self) -> int:
        """How often D3 is added to the engine's labels to have what a run is to reproduce."""
        return int(self.potential != "omitted") - int(self.in_labels)

    def targets(self, data: Dataset, project: Project) -> Dataset:
        """Return labels as the potential is to learn them."""
        return self._changed(data, project, self.learned_sign)

    def totals(self, data: Dataset, project: Project) -> Dataset:
        """Return labels as the model of a run is to reproduce them."""
        return self._changed(data, project, self.total_sign)

    def model(self, potential: Potential) -> Potential:
        """Return what a run is made with: the potential, with D3 where it is added."""
        if self.is_trivial or self.settings is None or self.potential != "added":
            return potential
        return Sum((potential, Dispersion(self.settings, potential.species, atomic=False)))

    def _changed(self, data: Dataset, project: Project, sign: int) -> Dataset:
        if self.is_trivial or self.settings is None or sign == 0:
            return data
        settings = self.settings
        with ThreadPoolExecutor(project.workers) as pool:  # the library lets go of the lock
            parts = list(pool.map(lambda item: _part(item, settings, project), data))
        pairs = zip(data, parts, strict=True)
        return Dataset(add_part(item, part, sign) for item, part in pairs)


def _part(item: LabelledFrame, settings: DispersionSettings, project: Project) -> Labels:
    """Return the dispersion of a frame, which the project keeps once it was computed."""
    key = content_hash({"dispersion": settings.as_dict(), "frame": item.frame.digest()})
    if not project.store.has(key):
        part = evaluate_dispersion(item.frame, settings)[0]
        values = {"energy": part.energy, "forces": part.forces, "stress": part.stress}
        project.store.save(key, values)
    kept = project.store.load(key)
    return Labels(kept["energy"], np.asarray(kept["forces"]), kept["stress"], level=settings.name)
