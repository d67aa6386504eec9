"""What the plane-wave engines share."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.chemistry.reference_settings import EspressoSettings
from elyte.core.frame import Frame
from elyte.reference.plane_waves import seconds
from elyte.reference.settings import EngineSettings


def box(edge: float, atoms: int = 4) -> Frame:
    positions = np.linspace(0, 0.9 * edge, atoms)[:, None] * np.ones(3)
    return Frame(np.full(atoms, 8), positions, np.eye(3) * edge, np.ones(3, dtype=bool))


def cost(frame: Frame, cutoff: float = 400.0, unpaired: int = 0) -> float:
    chosen = EspressoSettings(cutoff=f"{cutoff} eV", density_cutoff=f"{8 * cutoff} eV")
    return seconds(frame, EngineSettings("espresso", unpaired_electrons=unpaired), chosen, 1.0, 0.5)


def test_cost_grows_with_volume_cutoff_bands_and_spin() -> None:
    base = cost(box(8.0))
    assert base == pytest.approx(16 * 1.16)  # 16 bands in the box of the fit
    assert cost(box(16.0)) == pytest.approx(8 * base)
    assert cost(box(8.0), cutoff=1600.0) == pytest.approx(8 * base)
    assert cost(box(8.0, 8)) == pytest.approx(32 * 1.32)
    assert cost(box(8.0), unpaired=2) == pytest.approx(2 * base)
