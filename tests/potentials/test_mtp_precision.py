"""The kernel in single precision: how near it is to double, on every instruction set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import shared_data
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.dynamics import RunSettings, simulate
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.kernel import Kernel, instruction_sets
from elyte.testing import Tolerances, check_potential
from mlip_oracles import ELEMENTS, read_cfg

from .mtp_cases import SPECIES, potential, structure

ISAS = instruction_sets()


def both(mtp: MTP, frame: Frame, isa: str):  # type: ignore[no-untyped-def]
    """Return the evaluations in double and in single precision."""
    arrays = mtp.native_arrays()
    return Kernel(arrays, isa).evaluate(frame), Kernel(arrays, isa, "single").evaluate(frame)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", [8, 16, 20])
def test_liquids_of_mlip(level: int, isa: str) -> None:
    """Energies to 1e-7 of the sum of the atoms' interaction energies; forces to 1e-5 and more."""
    folder = shared_data("oracles/mtp_liquid")
    mtp = MTP.load(folder / f"p{level}_3.almtp", ELEMENTS[:3])
    [box] = read_cfg(folder / "s3.cfg")
    [expected] = read_cfg(folder / f"out_{level}_3.cfg")
    double, single = both(mtp, box.frame, isa)
    types = np.searchsorted(mtp.species, box.frame.numbers)
    interaction = np.abs(double.energies - mtp.species_coefficients[types]).sum()
    assert abs(single.energy - expected.energy) < 1e-7 * interaction
    largest = np.abs(double.forces).max()
    np.testing.assert_allclose(single.forces, double.forces, atol=1e-5 * largest)
    np.testing.assert_allclose(
        single.stress, double.stress, atol=1e-5 * np.abs(double.stress).max()
    )


@pytest.mark.parametrize("isa", ISAS)
def test_rounded_coefficients_do_not_shift_energies(isa: str) -> None:
    """Each coefficient is nearly half of a last bit above what single precision has.

    E = ξ₁ M + ξ₂ M², all f > 0: rounding alone would make it smaller by 1.5e-7 of itself.
    """
    start = MTP.initial(4, SPECIES, cutoff=5.0, min_distance=0.7, radial_size=2)
    between = 1 + 0.45 * 2**-23
    mtp = replace(
        start,
        scaling=1.0,
        moment_coefficients=np.full(2, between),
        radial=np.broadcast_to([between, -between / 2], start.radial.shape),
    )
    double, single = both(mtp, structure(0, 300, 0.08), isa)
    assert abs(single.energy / double.energy - 1) < 2e-8


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 40),
    level=st.sampled_from([2, 8, 12]),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    radial_size=st.integers(1, 9),
    isa=st.sampled_from(ISAS),
)
def test_any_structure(
    seed: int, n: int, level: int, pbc: tuple[bool, bool, bool], radial_size: int, isa: str
) -> None:
    mtp = potential(level, seed=seed, radial_size=radial_size)
    double, single = both(mtp, structure(seed, n, 0.08, pbc), isa)
    scale = 1 + np.abs(double.energies).max()
    np.testing.assert_allclose(single.energies, double.energies, atol=1e-5 * scale)
    scale = 1 + np.abs(double.forces).max()
    np.testing.assert_allclose(single.forces, double.forces, atol=1e-5 * scale)
    np.testing.assert_allclose(single.forces.sum(axis=0), 0, atol=1e-12 * n * scale)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", [8])
def test_public_suite(level: int, isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELYTE_ISA", isa)
    mtp = MTP.initial(level, SPECIES, cutoff=4.0).with_precision("single")
    exact = MTP.initial(level, SPECIES, cutoff=4.0)
    # a file does not keep the precision
    without = ["save_load"]
    check_potential(mtp, tolerances=Tolerances.single(), reference=exact, without=without).require()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", [8, 16])
def test_rounding_of_forces_is_noise(level: int, isa: str) -> None:
    """Along a closed path errors are other ones at every step, and do no work but by chance.

    An error that stays from step to step (a rounded coefficient, a radial function that is not
    the derivative of the other) would do work in the same sense again and again.
    """
    mtp = potential(level, cutoff=5.0)
    kernels = [Kernel(mtp.native_arrays(), isa, kind) for kind in ("double", "single")]
    frame, random = structure(3, 60, 0.05), np.random.default_rng(0)
    across, along = random.normal(0, 0.05, (2, 60, 3))
    angles = np.linspace(0, 2 * np.pi, 161)  # steps of 0.003 Å
    path = [frame.positions + np.cos(t) * across + np.sin(t) * along for t in angles]
    double, single = (
        np.array([kernel.evaluate(frame.moved(positions)).forces for positions in path])
        for kernel in kernels
    )
    error = single - double
    assert np.sqrt((error**2).mean()) < 1e-5 * np.sqrt((double**2).mean())
    repeated = (error[1:] * error[:-1]).mean() / (error**2).mean()
    assert repeated < 0.25
    works = ((error[1:] + error[:-1]) / 2 * np.diff(path, axis=0)).sum(axis=(1, 2))
    assert abs(works.sum()) < 5 * np.sqrt((works**2).sum())


def test_runs_in_single_precision_keep_energy_and_momentum() -> None:
    corners = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = np.concatenate([corners, corners + 0.5]) * 4.0
    crystal = Frame(np.repeat([3, 17], 27), positions, np.eye(3) * 12.0, True)
    mtp = MTP.initial(8, ["Li", "Cl"], cutoff=4.5, min_distance=1.5, seed=1)
    runs = [
        simulate(crystal, p, RunSettings("NVE", 150.0, steps=2000, timestep=1.0), seed=1)
        for p in (mtp, mtp.with_precision("single"))
    ]
    spreads = [run.series["conserved"].std() for run in runs]
    assert spreads[1] < 2 * spreads[0]
    momentum = crystal.masses @ runs[1].state.velocities
    np.testing.assert_allclose(momentum, 0, atol=1e-10)


def test_a_precision_that_is_not_there() -> None:
    with pytest.raises(InputError, match="precision 'half'; there are: double, single"):
        potential(2).with_precision("half").evaluate([structure(0, 2)])  # type: ignore[arg-type]
