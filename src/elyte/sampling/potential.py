"""What drives a sampler before there is a trained potential: a cheap engine, or the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from elyte.core.errors import Outcome
from elyte.core.frame import Frame, Labels
from elyte.reference import EngineSettings, find_engine
from elyte.reference.classical import without_parameters, without_tables
from elyte.reference.classical.engine import charge_scale, molecules
from elyte.reference.classical.field import CUTOFF, ClassicalPotential
from elyte.reference.engines import ENGINES

CHEAP_METHOD = "OPLS-AA/0.8"
SMALL_BOX = 0.45


class EnginePotential:
    """A reference engine as a potential, called in this process.

    A frame whose label fails has energies and forces that are not finite, so that dynamics ends
    there as "exploded".

    Args:
        settings: engine and method.

    Raises:
        InputError, MissingDependency: as `find_engine`.
    """

    def __init__(self, settings: EngineSettings) -> None:
        module, name = find_engine(settings.engine).task.split(":")
        self._label: Callable[[Frame, dict[str, Any]], Any] = getattr(import_module(module), name)
        self._settings = settings.as_dict()

    def evaluate(self, frames: Sequence[Frame]) -> list[Labels]:
        """Return energy (eV), forces (eV/Å) and stress (eV/Å³) of each frame."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Labels:
        answer = self._label(frame, self._settings)
        if isinstance(answer, Outcome):
            return Labels(np.nan, np.full((len(frame), 3), np.nan), np.full((3, 3), np.nan))
        return Labels(answer["energy"], answer["forces"], answer["stress"])


def sampling_potential(settings: EngineSettings, frame: Frame, pressure: bool = True) -> Any:
    """Return the potential of an engine for dynamics: OpenMM's fast platform where it can be.

    The Lennard-Jones cutoff of the classical force field is then at most 0.45 of a box's width,
    with the tail in its place, so that a small box need not be repeated at every step.

    Args:
        settings: engine and method.
        frame: the box that will be run.
        pressure: whether the stress is needed.

    Raises:
        InputError, MissingDependency: as `find_engine`.
    """
    if settings.engine != "classical":
        return EnginePotential(settings)
    find_engine("classical")
    cutoff = CUTOFF
    if frame.pbc.all():
        widths = 1.0 / np.linalg.norm(np.linalg.inv(frame.cell), axis=0)
        cutoff = min(CUTOFF, SMALL_BOX * float(widths.min()))
    return ClassicalPotential(
        charge_scale(settings.method),
        cutoff,
        stress="pressure" if pressure else "none",
        tail=True,
        molecules=molecules(settings),
    )


def cheap_engine(species: Sequence[str], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of the engine for samplers that run dynamics.

    The classical force field with its charges scaled by 0.8, where OpenMM is installed and all
    species have parameters, by a table or by GAFF2; else the reference itself.

    Args:
        species: names; none for a solid.
        reference: settings of the reference engine.
    """
    there = bool(species) and ENGINES["classical"].available().done
    if not there or without_parameters(species):
        return dict(reference)
    others = without_tables(species)
    return EngineSettings(engine="classical", method=CHEAP_METHOD, molecules=others).as_dict()
