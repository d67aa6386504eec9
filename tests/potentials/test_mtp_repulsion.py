"""The repulsive core: smooth, the same in kernel and reference, kept in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte.core.errors import FormatError, InputError
from elyte.core.frame import Frame
from elyte.core.neighbours import neighbours
from elyte.potentials.mtp import MTP, RepulsiveCore, reference
from elyte.potentials.mtp.kernel import Kernel, instruction_sets
from elyte.testing import check_potential

from .mtp_cases import SPECIES, potential, structure

CORE = RepulsiveCore(np.array([[1.0, 1.4, 1.2], [1.4, 1.9, 0.0], [1.2, 0.0, 1.6]]), 3.0)


def test_begins_smoothly() -> None:
    types = np.zeros(400, dtype=int)
    r = np.linspace(0.5, 1.1, 400)
    energy, slope = CORE.energy_and_slope(types, types, r)
    assert (energy[r >= 1] == 0).all()
    assert (energy[r < 1] > 0).all()
    np.testing.assert_allclose(np.gradient(energy, r, edge_order=2), slope, rtol=1e-3, atol=2e-3)
    assert np.abs(np.diff(slope)[(r[1:] > 0.98) & (r[1:] < 1.02)]).max() < 1e-3


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 20),
    isa=st.sampled_from(instruction_sets()),
)
def test_kernel_equals_reference(seed: int, n: int, isa: str) -> None:
    mtp = potential(8, seed=seed).with_core(CORE)
    frame = structure(seed, n, density=0.12)
    found, expected = (
        Kernel(mtp.native_arrays(), isa).evaluate(frame),
        reference.evaluate(mtp, frame),
    )
    scale = 1 + np.abs(expected.forces).max()
    np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-10 * scale)
    np.testing.assert_allclose(found.stress, expected.stress, rtol=1e-9, atol=1e-10 * scale)


def test_public_suite() -> None:
    wide = RepulsiveCore(np.full((3, 3), 2.5), 5.0)
    check_potential(MTP.initial(8, SPECIES, cutoff=4.0).with_core(wide)).require()


def test_changes_nothing_on_the_frames_it_lies_below() -> None:
    frames = [structure(seed, 20) for seed in range(3)]
    core = RepulsiveCore.below(frames, SPECIES)
    nearest = min(neighbours(frame, 3.0).distance.min() for frame in frames)
    assert core.distances.min() == pytest.approx(0.95 * nearest)
    mtp = potential(8)
    for frame in frames:
        plain, with_core = mtp.evaluate([frame])[0], mtp.with_core(core).evaluate([frame])[0]
        assert with_core.energy == plain.energy
        np.testing.assert_array_equal(with_core.forces, plain.forces)


def test_what_falls_is_stopped_within_an_eighth_of_the_shortest_distance() -> None:
    """A pair that an untrained hole draws together by 4 eV/Å, as two Li did in a liquid."""
    frames = [Frame([1, 6], [[0, 0, 0], [0, 0, 2.3]])]
    core = RepulsiveCore.below(frames, SPECIES)
    r = np.linspace(1.2, 2.3, 1101)
    types = np.zeros(len(r), dtype=np.int64), np.ones(len(r), dtype=np.int64)
    energy = core.energy_and_slope(*types, r)[0] - 4.0 * (2.3 - r)
    assert r[energy.argmin()] > 2.3 * 7 / 8
    assert energy[r < 2.3 * 0.78].min() > 1.0  # 30 kT


def test_keeps_two_atoms_apart() -> None:
    core = RepulsiveCore.below([], SPECIES, unseen=1.1)
    mtp = potential(2).with_core(core)
    forces = mtp.evaluate([Frame([1, 6], [[0, 0, 0], [0, 0, 0.3]])])[0].forces
    assert forces[0, 2] < -100
    assert forces[1, 2] > 100


def test_is_kept_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.almtp"
    potential(8).with_core(CORE).save(path)
    core = MTP.load(path).core
    assert core is not None
    assert core.distances.tobytes() == CORE.distances.tobytes()
    assert core.strength == CORE.strength
    path.write_text(path.read_text().replace("core: 3.0", "core:"))
    with pytest.raises(FormatError, match="repulsive core"):
        MTP.load(path)


def test_refused() -> None:
    with pytest.raises(InputError, match="symmetric"):
        RepulsiveCore(np.array([[1.0, 2.0], [1.0, 1.0]]))
    with pytest.raises(InputError, match="not finite"):
        RepulsiveCore(np.array([[np.inf]]))
    with pytest.raises(InputError, match="negative"):
        RepulsiveCore(np.array([[1.0]]), -1.0)
    with pytest.raises(InputError, match="not for 3 species"):
        potential(2).with_core(RepulsiveCore(np.eye(2)))
    with pytest.raises(InputError, match="larger than the cutoff"):
        potential(2).with_core(RepulsiveCore(np.full((3, 3), 9.0))).evaluate([structure(0, 2)])
