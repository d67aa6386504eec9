"""GPAW on hydrogen: the three derivatives of its energy, spin, and failures by name."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Frame, InputError
from elyte.reference import EngineSettings, d3, gpaw
from elyte.reference.boxes import boxed, unpaired_electrons
from elyte.reference.strain import DIRECTION, strained

CELL = [[4.0, 0, 0], [0.2, 4.2, 0], [-0.1, 0.3, 4.4]]
HYDROGEN = Frame([1, 1], [[0, 0, 0], [0.6, 0.3, 0.4]], CELL, True)
needs_gpaw = pytest.mark.skipif(
    not gpaw.available().done, reason="GPAW is not installed (pip install gpaw gpaw-data)"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # GPAW's own


@needs_gpaw
def test_gpaws_forces_and_stress_belong_to_its_energy() -> None:
    """A strain of 1 %: over shorter ones plane waves come and go in a box as small as this."""
    settings = EngineSettings("gpaw", cutoff=500.0, three_body=True)
    assert gpaw.level(settings).startswith("PBE-D3(BJ)-C9/PW-500eV/gpaw-")
    label = gpaw.label(HYDROGEN, settings.as_dict())
    assert np.abs(label["forces"].sum(axis=0)).max() < 2e-3
    h = 0.01
    energies = [
        gpaw.label(strained(HYDROGEN, sign * h), settings.as_dict())["energy"] for sign in (1, -1)
    ]
    numeric = (energies[0] - energies[1]) / (2 * h * HYDROGEN.volume)
    given = float((label["stress"] * DIRECTION).sum())
    assert given == pytest.approx(numeric, abs=1.5e-3)
    assert given > 0.01
    shift = np.array([[0, 0, 0], [0.02, 0, 0]])
    plus, minus = (
        gpaw.label(HYDROGEN.moved(HYDROGEN.positions + sign * shift), settings.as_dict())["energy"]
        for sign in (1, -1)
    )
    assert label["forces"][1, 0] == pytest.approx(-(plus - minus) / 0.04, abs=0.02)


@needs_gpaw
def test_an_atom_is_spin_polarised() -> None:
    """GPAW counts from the spherical atom without spin: hydrogen gains about 1 eV."""
    settings = EngineSettings("gpaw", cutoff=250.0, vacuum=2.5, unpaired_electrons=1)
    label = gpaw.label(Frame([1], np.zeros((1, 3))), settings.as_dict())
    assert -1.25 < label["energy"] < -0.7
    assert label["stress"] is None


@needs_gpaw
def test_an_scf_that_does_not_converge_is_named() -> None:
    settings = EngineSettings("gpaw", cutoff=150.0, max_iterations=2, dispersion="none")
    outcome = gpaw.label(HYDROGEN, settings.as_dict())
    assert outcome.kind == "scf_not_converged"
    assert "2 iterations" in outcome.reason


def test_a_molecule_is_put_into_a_box_and_a_box_is_kept() -> None:
    alone = Frame([1, 1], [[0, 0, 0], [0, 0, 0.75]])
    box = boxed(alone, 3.0)
    assert box.pbc.all()
    assert np.allclose(np.diag(box.cell), [6.0, 6.11, 6.98])
    assert np.allclose(box.positions[1] - box.positions[0], [0, 0, 0.75])
    assert np.allclose(box.positions.mean(axis=0), 0.5 * np.diag(box.cell))
    assert boxed(HYDROGEN, 3.0) is HYDROGEN


def test_electrons_are_counted() -> None:
    oh = Frame([8, 1], [[0, 0, 0], [0, 0, 0.97]])
    assert unpaired_electrons(oh, EngineSettings("gpaw")) == 1
    assert unpaired_electrons(oh, EngineSettings("gpaw", charge=-1)) == 0
    assert unpaired_electrons(oh, EngineSettings("gpaw", unpaired_electrons=3)) == 3
    with pytest.raises(InputError, match="9 electrons cannot have 2 unpaired"):
        unpaired_electrons(oh, EngineSettings("gpaw", unpaired_electrons=2))
    with pytest.raises(InputError, match="not a whole number"):
        unpaired_electrons(oh, EngineSettings("gpaw", charge=0.5))


@pytest.mark.parametrize("dispersion", ["d3zero", "d3bj"])
def test_d3_is_the_derivative_of_its_energy(dispersion: str) -> None:
    pytest.importorskip("dftd3", reason="dftd3 is not installed")
    rng = np.random.default_rng(2)
    frame = Frame([8, 1, 1, 6], rng.uniform(0, 4, (4, 3)), CELL, True)

    def d3_of(chosen: Frame, three_body: bool = True) -> dict:
        nothing = {"energy": 0.0, "forces": np.zeros((4, 3)), "stress": np.zeros((3, 3))}
        return d3.add_d3(nothing, chosen, "PBE", dispersion, three_body)

    found = d3_of(frame)
    h = 1e-3
    values = [d3_of(strained(frame, s * h))["energy"] for s in (1, -1)]
    numeric = (values[0] - values[1]) / (2 * h * frame.volume)
    assert (found["stress"] * DIRECTION).sum() == pytest.approx(numeric, abs=1e-6)
    shift = np.zeros((4, 3))
    shift[2, 1] = h
    values = [d3_of(frame.moved(frame.positions + s * shift))["energy"] for s in (1, -1)]
    assert found["forces"][2, 1] == pytest.approx(-(values[0] - values[1]) / (2 * h), abs=1e-5)
    two = d3_of(frame, False)["energy"]
    assert found["energy"] != two
