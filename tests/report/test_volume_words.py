"""Density and compressibility come from volumes that a barostat moved, or are withheld."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from elyte.core import Frame
from elyte.core.units import DENSITY_TO_G_PER_CM3
from elyte.report.project import _of_the_volume

WATER = Frame([8, 1, 1], np.zeros((3, 3)) + [[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.eye(3) * 6, True)


def run(volume: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(
        temperature=300.0, reference=WATER, equilibration={"volume": np.asarray(volume)}
    )


def test_one_molecule_at_constant_volume_has_no_density() -> None:
    found = _of_the_volume([run(np.full(500, 216.0)), run(np.full(500, 216.0))])
    assert [q.name for q in found] == ["density", "isothermal compressibility"]
    assert all("one molecule makes no liquid" in q.withheld for q in found)


def test_a_volume_that_moves_gives_a_density() -> None:
    volumes = 216.0 + np.random.default_rng(0).normal(0, 2.0, (2, 2000))
    rho = _of_the_volume([run(v) for v in volumes])[0]
    assert not rho.withheld
    expected = WATER.masses.sum() / 216.0 * DENSITY_TO_G_PER_CM3
    assert rho.value == pytest.approx(expected, rel=2e-3)
