"""Samplers by dynamics, with a made-up potential: molecules of springs that repel each other."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.chemistry import BondWatch, pack_box
from elyte.chemistry.bonds import bond_graph
from elyte.core import Frame, InputError, Outcome
from elyte.core.frame import Labels
from elyte.dynamics import Modifier
from elyte.reference import EngineSettings
from elyte.sampling import potential as potentials
from elyte.sampling import runs
from elyte.sampling.potential import EnginePotential, cheap_engine
from elyte.sampling.registry import FUNCTIONS, Request, sample
from elyte.sampling.rigid import at_density, density_of, volume_scan


class Springs:
    """Bonds as springs of 15 eV/Å² and a soft repulsion between molecules, in a cubic box."""

    cutoff = 3.0

    def __init__(self, frame: Frame) -> None:
        self.bonds = bond_graph(frame, within_molecules=True)
        self.lengths = self._vectors(frame, self.bonds)[1]
        upper = np.array(np.triu_indices(len(frame), 1)).T
        self.pairs = upper[frame.molecules[upper[:, 0]] != frame.molecules[upper[:, 1]]]

    @staticmethod
    def _vectors(frame, pairs):
        vectors = frame.positions[pairs[:, 1]] - frame.positions[pairs[:, 0]]
        edge = frame.cell[0, 0]
        vectors = vectors - edge * np.round(vectors / edge)
        return vectors, np.linalg.norm(vectors, axis=1)

    def evaluate(self, frames):
        return [self._one(frame) for frame in frames]

    def _one(self, frame):
        energy, forces, virial = 0.0, np.zeros((len(frame), 3)), np.zeros((3, 3))
        for pairs, near in ((self.bonds, False), (self.pairs, True)):
            vectors, r = self._vectors(frame, pairs)
            if near:
                overlap = np.maximum(self.cutoff - r, 0.0)
                energy += 0.5 * (overlap**2).sum()
                slope = -overlap
            else:
                energy += 7.5 * ((r - self.lengths) ** 2).sum()
                slope = 15.0 * (r - self.lengths)
            along = (slope / r)[:, None] * vectors
            np.add.at(forces, pairs[:, 0], along)
            np.add.at(forces, pairs[:, 1], -along)
            virial += vectors.T @ along
        return Labels(energy, forces, virial / frame.volume)


@pytest.fixture(scope="module")
def box() -> Frame:
    return pack_box({"water": 8}, 0.7, seed=0)


@pytest.fixture(scope="module")
def springs(box: Frame) -> Springs:
    return Springs(box)


def test_a_volume_scan_keeps_molecules_rigid(box: Frame) -> None:
    frames = volume_scan([box], (0.4, 1.2), 5, seed=1)
    assert [round(density_of(f), 6) for f in frames] == [0.4, 0.6, 0.8, 1.0, 1.2]
    for frame in frames:
        bonds = bond_graph(box, within_molecules=True)
        lengths = [
            np.linalg.norm(f.positions[bonds[:, 0]] - f.positions[bonds[:, 1]], axis=1)
            for f in (box, frame)
        ]
        assert lengths[0] == pytest.approx(lengths[1], abs=0.08)
    exact = at_density(box, 1.0)
    assert exact.positions[1] - exact.positions[0] == pytest.approx(
        box.positions[1] - box.positions[0]
    )
    with pytest.raises(InputError, match="range"):
        volume_scan([box], (1.0, 0.5), 3)
    with pytest.raises(InputError, match="periodic"):
        density_of(Frame(np.array([1]), np.zeros((1, 3))))


def test_a_ladder_passes_densities(box: Frame, springs: Springs) -> None:
    found = runs.ladder(box, springs, 300.0, 1.0, 400.0, 4, seed=1)
    assert found.outcome.done
    assert len(found.frames) == 4
    assert len({round(f.volume, 3) for f in found.frames}) > 1


def test_equal_seeds_give_equal_frames(box: Frame, springs: Springs) -> None:
    first, again, other = (
        runs.equilibrium(box, springs, 300.0, 1.0, 200.0, 3, seed=s).frames[-1] for s in (1, 1, 2)
    )
    assert np.array_equal(first.positions, again.positions)
    assert not np.array_equal(first.positions, other.positions)


def test_modifiers_move_the_density_along_their_line(box: Frame, springs: Springs) -> None:
    start = density_of(box)
    density = Modifier(start, 1.1 * start, 0.0, 100.0)
    found = runs.modified(box, springs, Modifier(300, 400, 50, 40), density, 200.0, 4, seed=0)
    assert found.outcome.done
    assert [density_of(f) / start for f in found.frames] == pytest.approx(
        [1.025, 1.05, 1.075, 1.1], abs=2e-3
    )
    still = runs.modified(box, springs, Modifier(300, 400, 50, 40), None, 50.0, 2, seed=0)
    assert all(f.volume == pytest.approx(box.volume) for f in still.frames)


def test_nonequilibrium_frames_keep_their_densities(box: Frame, springs: Springs) -> None:
    boxes = [at_density(box, d) for d in (0.6, 0.9)]
    found = runs.nonequilibrium(boxes, springs, 300.0, time=20.0)
    assert [density_of(f) for f in found.frames] == pytest.approx([0.6, 0.9])


def test_distorted_molecules_are_distorted_and_whole(box: Frame, springs: Springs) -> None:
    found = runs.distorted(box, springs, 200.0, 3, seed=2)
    assert found.frames
    watch = BondWatch(box)
    assert not any(watch.changed(f) for f in found.frames)
    spread = [
        np.abs(Springs._vectors(f, springs.bonds)[1] - springs.lengths).max() for f in found.frames
    ]
    assert max(spread) > 0.05


def test_refinement_takes_the_frame_nearest_the_pressure(box: Frame, springs: Springs) -> None:
    found = runs.refined(box, springs, 300.0, 0.0, steps=20, seed=3)
    assert len(found.frames) == 1
    best = found.outcome.details
    # the same run, looked at anew: no other step is nearer
    from elyte.dynamics import RunSettings, simulate

    run = simulate(
        box, springs, RunSettings("NVT", 300.0, steps=20, frames_every=1, series_every=1), seed=3
    )
    pressures = np.abs(run.series["pressure_bar"])
    assert abs(best["pressure_bar"]) == pytest.approx(pressures.min())
    assert np.array_equal(
        found.frames[0].positions, run.trajectory[int(pressures.argmin())].positions
    )
    with pytest.raises(InputError, match="periodic"):
        runs.refined(Frame(np.array([1, 1]), np.eye(3)[:2]), springs, 300.0)


def test_optimisation_goes_downhill(box: Frame, springs: Springs) -> None:
    shaken = box.moved(
        box.positions + np.random.default_rng(0).normal(0, 0.15, box.positions.shape)
    )
    found = runs.optimised(shaken, springs, 5)
    energies = [springs.evaluate([f])[0].energy for f in found.frames]
    assert len(energies) >= 3
    assert energies == sorted(energies, reverse=True)
    assert found.outcome.done


def test_a_failing_engine_ends_a_run_as_exploded(
    box: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tblite", reason="tblite is not installed")
    reference = EnginePotential(EngineSettings())
    monkeypatch.setattr(reference, "_label", lambda *_: Outcome("scf_not_converged", "no"))
    assert runs.refined(box, reference, 300.0, steps=3).outcome.kind == "exploded"


def test_the_reference_itself_can_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tblite", reason="tblite is not installed")
    small = pack_box({"water": 2}, 0.5, seed=1)
    found = runs.refined(small, EnginePotential(EngineSettings()), 300.0, steps=4)
    assert found.outcome.done
    assert len(found.frames) == 1


def request(name: str, number: int = 3, **changes) -> Request:
    values = {
        "counts": {"Li+": 2, "PF6-": 2, "water": 6},
        "density": 1.0,
        "temperature": 300.0,
        "pressure": 1.0,
        "time": 60.0,
        "seed": 4,
        "engine": {"engine": "made up"},
        "reference": {},
    } | changes
    return Request(name, number, **values)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_sampler_gives_what_it_is_asked_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = lambda settings, frame, pressure=True: Springs(frame)  # noqa: E731
    monkeypatch.setattr("elyte.sampling.registry.sampling_potential", made)
    asked = request(name, engine=EngineSettings().as_dict(), reference=EngineSettings().as_dict())
    found = sample(asked)
    assert len(found.frames) == 3
    assert all(isinstance(f, Frame) for f in found.frames)
    digests = {f.digest() for f in found.frames}
    assert len(digests) == 3
    again = sample(asked)
    assert {f.digest() for f in again.frames} == digests


def test_requests_that_cannot_be_served() -> None:
    with pytest.raises(InputError, match="did you mean 'dimers'"):
        sample(request("dimer"))
    with pytest.raises(InputError, match="asked for 0"):
        sample(request("dimers", 0))
    cell = Frame(np.array([3, 17]), np.array([[0, 0, 0], [2.5, 0, 0]]), 5 * np.eye(3), [True] * 3)
    with pytest.raises(InputError, match="this is a solid"):
        sample(request("dimers", cell=cell, counts={"Li": 1, "Cl": 1}))
    with pytest.raises(InputError, match="cations and anions"):
        sample(request("ion_pairs", counts={"water": 3}))
    assert len(sample(request("isolated_atoms", 9, cell=cell)).frames) == 2


def test_the_cheap_engine_needs_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = EngineSettings().as_dict()
    assert cheap_engine(["EC", "ClO4-"], reference) == reference
    assert cheap_engine([], reference) == reference
    if potentials.ENGINES["classical"].available().done:
        assert cheap_engine(["EC", "Li+"], reference)["method"] == "OPLS-AA/0.8"
