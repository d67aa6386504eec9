"""What the plane-wave engines share: what they refuse, and how long a label takes."""

from __future__ import annotations

from typing import Any

from elyte.core.frame import Frame
from elyte.reference import pseudopotentials
from elyte.reference.boxes import boxed, check_periodicity, unpaired_electrons
from elyte.reference.settings import EngineSettings

BOX, CUTOFF = 512.0, 400.0
"""Å³ and eV of the calculation that the estimates are fitted to: one molecule in a box of 8 Å."""


def check(frame: Frame, settings: EngineSettings, chosen: Any) -> None:
    """Refuse what an engine with pseudopotentials of the user's cannot compute.

    Args:
        frame: to be labelled.
        settings: names the engine.
        chosen: the same as the engine's own settings: `pseudopotentials` and `method`.

    Raises:
        InputError: periodic in one or two directions, an impossible spin, an element without a
            pseudopotential, or pseudopotentials of another functional.
    """
    check_periodicity(frame, settings.engine)
    unpaired_electrons(frame, settings)
    elements = set(frame.symbols)
    files = pseudopotentials.find(settings.engine, chosen.pseudopotentials, elements)
    pseudopotentials.check_functional(files, chosen.method, settings.engine)


def seconds(
    frame: Frame, settings: EngineSettings, chosen: Any, scale: float, bands_per_charge: float
) -> float:
    """Return about how long one label takes on one core of a server, s, its start apart.

    Fourier transforms of each band: ∝ bands × volume × E_cut^1.5; orthogonalisation: ∝ bands².

    Args:
        frame: to be labelled.
        settings: charge and spin.
        chosen: the same as the engine's own settings: `vacuum` and `cutoff`.
        scale: s for one band in the box of the fit.
        bands_per_charge: bands for each unit of nuclear charge: 0.5, or fewer without cores.
    """
    volume = boxed(frame, chosen.vacuum).volume
    spins = 1 + (unpaired_electrons(frame, settings) > 0)
    bands = bands_per_charge * float(frame.numbers.sum())
    size = volume / BOX * (chosen.cutoff / CUTOFF) ** 1.5
    return scale * spins * size * bands * (1 + bands / 100.0)
