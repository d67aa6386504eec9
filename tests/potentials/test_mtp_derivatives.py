"""Parameter derivatives: against the NumPy reference, finite differences, and one another."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Frame, InputError, UnknownSpecies
from elyte.core.neighbours import neighbours
from elyte.potentials.mtp import MTP, reference
from elyte.potentials.mtp.derivatives import FrameSet, atom_gradients, instruction_sets

from .mtp_cases import structure, unusual

SPECIES = (1, 6, 8)


def random_frame(seed: int, n: int = 11, periodic: bool = True) -> Frame:
    random = np.random.default_rng(seed)
    cell = 4.2 * np.eye(3) + random.normal(scale=0.3, size=(3, 3))
    points = np.stack(np.meshgrid(*[range(3)] * 3), -1).reshape(-1, 3)[:n] / 3
    positions = points @ cell + random.normal(scale=0.15, size=(n, 3))
    return Frame(random.choice(SPECIES, n), positions, cell, np.full(3, periodic))


def potential(level: int = 10, seed: int = 0, radial_size: int = 5) -> MTP:
    start = MTP.initial(level, SPECIES, 3.4, 0.8, radial_size, seed)
    random = np.random.default_rng(seed + 1)
    return start.with_parameters(random.normal(scale=0.4, size=start.n_parameters))


def frame_set(level: int = 10, isa: str = "", radial_size: int = 5) -> tuple[MTP, FrameSet]:
    mtp = potential(level, radial_size=radial_size)
    frames = [random_frame(1), random_frame(2, 7, periodic=False), random_frame(3, 4)]
    return mtp, FrameSet(mtp.native_arrays(), frames, isa)


def weights_for(frames: FrameSet, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    strain = random.normal(size=(len(frames), 3, 3))
    return (
        random.normal(size=len(frames)),
        random.normal(size=(frames.offsets[-1], 3)),
        strain + strain.transpose(0, 2, 1),
    )


def test_evaluate_equals_the_reference() -> None:
    mtp, frames = frame_set()
    structures = [random_frame(1), random_frame(2, 7, periodic=False), random_frame(3, 4)]
    energies, forces, strain = frames.evaluate(mtp.parameters)
    for k, frame in enumerate(structures):
        expected = reference.evaluate(mtp, frame)
        assert energies[k] == pytest.approx(expected.energy, rel=1e-11)
        rows = slice(frames.offsets[k], frames.offsets[k + 1])
        np.testing.assert_allclose(forces[rows], expected.forces, atol=1e-10)
        if frame.pbc.any():
            np.testing.assert_allclose(strain[k] / frame.volume, expected.stress, atol=1e-11)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize(
    ("level", "radial_size"), [(2, 3), (8, 8), (10, 5), (12, 9), (16, 8), (6, 17)]
)
def test_atom_gradients_equal_the_reference(isa: str, level: int, radial_size: int) -> None:
    mtp, frame = potential(level, radial_size=radial_size), random_frame(4)
    found = FrameSet(mtp.native_arrays(), [frame], isa).atom_gradients(mtp.parameters, 0)
    expected = reference.atom_gradients(mtp, frame)
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


def test_atom_gradients_of_a_large_frame_do_not_depend_on_threads() -> None:
    random = np.random.default_rng(0)
    points = np.stack(np.meshgrid(*[range(6)] * 3), -1).reshape(-1, 3)
    numbers = random.choice(SPECIES, len(points))
    positions = 2.0 * points + random.normal(scale=0.1, size=points.shape)
    frame = Frame(numbers, positions, 12 * np.eye(3), np.ones(3, bool))
    mtp = potential(8)
    one, two = (mtp.atom_gradients(frame, threads) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    energy = reference.evaluate(mtp, frame).energies
    linear = np.r_[mtp.parameters[: 3 + len(mtp.moment_coefficients)]]
    np.testing.assert_allclose(one[:, : len(linear)] @ linear, energy, atol=1e-10)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize(("level", "radial_size"), [(2, 3), (10, 5), (16, 9), (6, 17)])
def test_gradient_equals_finite_differences(isa: str, level: int, radial_size: int) -> None:
    mtp, frames = frame_set(level, isa, radial_size)
    energy, force, strain = weights_for(frames)

    def objective(theta: np.ndarray) -> float:
        found = frames.evaluate(theta)
        return float(energy @ found[0] + (force * found[1]).sum() + (strain * found[2]).sum())

    gradient = frames.gradient(mtp.parameters, energy, force, strain)
    random = np.random.default_rng(7)
    h = 1e-4
    for _ in range(6):
        along = random.normal(size=mtp.n_parameters)
        ahead, behind = (objective(mtp.parameters + x * h * along) for x in (1, -1))
        slope = (ahead - behind) / (2 * h)
        assert gradient @ along == pytest.approx(slope, rel=1e-5, abs=1e-5 * np.abs(gradient).max())


@pytest.mark.parametrize("isa", instruction_sets())
def test_jacobian_rows_equal_finite_differences_of_each_parameter(isa: str) -> None:
    mtp = potential(8, radial_size=3)
    frame = random_frame(6, 5)
    frames = FrameSet(mtp.native_arrays(), [frame], isa)
    frames.native.set_target(0, 0.5, np.ones((5, 3)), np.eye(3), np.array([4.0, 9.0, 25.0]))
    rows, residuals = np.zeros((22, mtp.n_parameters)), np.zeros(22)
    frames.native.jacobian(mtp.parameters, frames.all, rows, residuals, 1)

    def stacked(theta: np.ndarray) -> np.ndarray:
        energies, forces, strain = frames.evaluate(theta)
        w = strain[0] - np.eye(3)
        voigt = [w[0, 0], w[1, 1], w[2, 2], *(np.sqrt(2) * np.array([w[1, 2], w[0, 2], w[0, 1]]))]
        return np.concatenate([2 * (energies - 0.5), 3 * (forces - 1).ravel(), 5 * np.array(voigt)])

    np.testing.assert_allclose(residuals, stacked(mtp.parameters), atol=1e-10)
    h = 1e-5
    for p in range(mtp.n_parameters):
        unit = h * np.eye(mtp.n_parameters)[p]
        column = (stacked(mtp.parameters + unit) - stacked(mtp.parameters - unit)) / (2 * h)
        np.testing.assert_allclose(rows[:, p], column, rtol=1e-6, atol=2e-6)


def set_random_targets(frames: FrameSet, seed: int = 2) -> None:
    random = np.random.default_rng(seed)
    weights = np.array([1.0, 0.3, 0.1])
    for k, n in enumerate(frames.sizes):
        energy, forces = random.normal(), random.normal(size=(n, 3))
        strain = random.normal(size=(3, 3))
        frames.native.set_target(k, energy, forces, strain + strain.T, weights)


def rows_of(
    frames: FrameSet, theta: np.ndarray, precision: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    rows, residuals = np.zeros((frames.rows(), len(theta)), precision), np.zeros(frames.rows())
    frames.native.jacobian(theta, frames.all, rows, residuals, 2)
    return rows, residuals


def assert_gradient_is_jacobian_times_residuals(frames: FrameSet, theta: np.ndarray) -> None:
    set_random_targets(frames)
    rows, residuals = rows_of(frames, theta)
    squares, gradient = frames.native.loss(theta, frames.all, 2, True)
    assert (squares @ [1.0, 0.3, 0.1]).sum() == pytest.approx(residuals @ residuals, rel=1e-11)
    scale = np.abs(gradient).max()
    assert scale > 0
    np.testing.assert_allclose(gradient, 2 * rows.T @ residuals, atol=1e-10 * scale)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize(
    ("level", "radial_size"), [(6, 17), (8, 8), (12, 5), (14, 3), (16, 9), (20, 4)]
)
def test_gradient_of_the_loss_is_jacobian_times_residuals(
    isa: str, level: int, radial_size: int
) -> None:
    mtp, frames = frame_set(level, isa, radial_size)
    assert_gradient_is_jacobian_times_residuals(frames, mtp.parameters)


@pytest.mark.parametrize("isa", instruction_sets())
def test_derivatives_where_moment_coefficients_are_zero(isa: str) -> None:
    """Where E does not depend on a scalar, ∂E/∂ξ still is that scalar."""
    mtp, frames = frame_set(12, isa)
    theta = mtp.parameters
    theta[3 : 3 + len(mtp.moment_coefficients)] = 0
    assert_gradient_is_jacobian_times_residuals(frames, theta)
    found = frames.atom_gradients(theta, 0)
    expected = reference.atom_gradients(mtp.with_parameters(theta), random_frame(1))
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


@pytest.mark.level(16)
@pytest.mark.parametrize("isa", instruction_sets())
def test_derivatives_with_tables_in_any_order(isa: str) -> None:
    mtp, frame = unusual(), structure(1, 9)
    frames = FrameSet(mtp.native_arrays(), [frame, structure(2, 17)], isa)
    expected = reference.atom_gradients(mtp, frame)
    found = frames.atom_gradients(mtp.parameters, 0)
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())
    assert_gradient_is_jacobian_times_residuals(frames, mtp.parameters)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize(("level", "radial_size"), [(6, 17), (10, 5), (16, 8)])
def test_rows_in_single_precision_are_those_in_double(
    isa: str, level: int, radial_size: int
) -> None:
    mtp, frames = frame_set(level, isa, radial_size)
    set_random_targets(frames)
    rows, residuals = rows_of(frames, mtp.parameters)
    rounded, with_them = rows_of(frames, mtp.parameters, np.float32)
    size = np.sqrt((rows**2).mean(0))
    assert (np.abs(rounded - rows).max(0) <= 2e-4 * size).all()
    assert (np.sqrt(((rounded - rows) ** 2).mean(0)) <= 3e-5 * size).all()
    np.testing.assert_allclose(with_them, residuals, atol=1e-5 * np.abs(residuals).max())


def test_rows_without_weight_are_left_out() -> None:
    _, frames = frame_set()
    frames.native.set_target(0, 0.0, np.zeros((11, 3)), np.zeros((3, 3)), np.array([1.0, 0, 0]))
    frames.native.set_target(1, 0.0, np.zeros((7, 3)), np.zeros((3, 3)), np.array([0, 2.0, 0]))
    frames.native.set_target(2, 0.0, np.zeros((4, 3)), np.zeros((3, 3)), np.array([0, 0, 3.0]))
    assert [frames.native.rows(k) for k in range(3)] == [1, 21, 6]


def test_sums_do_not_depend_on_threads() -> None:
    mtp, frames = frame_set()
    weights = weights_for(frames)
    one, two = (frames.gradient(mtp.parameters, *weights, threads=k) for k in (1, 2))
    np.testing.assert_array_equal(one, two)
    for a, b in zip(
        frames.evaluate(mtp.parameters, 1), frames.evaluate(mtp.parameters, 2), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_cell_smaller_than_the_cutoff_has_the_gradients_of_its_supercell() -> None:
    mtp = potential(8)
    small = Frame([1, 6], [[0, 0, 0], [1.3, 1.2, 0.9]], 2.4 * np.eye(3) + 0.1, np.ones(3, bool))
    shifts = np.stack(np.meshgrid(*[range(2)] * 3), -1).reshape(-1, 3)
    positions = np.concatenate([small.positions + shift @ small.cell for shift in shifts])
    large = Frame(np.tile(small.numbers, 8), positions, 2 * small.cell, small.pbc)
    found = atom_gradients(mtp.native_arrays(), mtp.parameters, large)
    expected = atom_gradients(mtp.native_arrays(), mtp.parameters, small)
    np.testing.assert_allclose(found, np.tile(expected, (8, 1)), atol=1e-11)
    assert len(neighbours(small, mtp.cutoff)) >= 40  # twenty images of two atoms


def test_misuse_is_refused() -> None:
    mtp = potential()
    with pytest.raises(UnknownSpecies, match="F"):
        FrameSet(mtp.native_arrays(), [Frame([9, 1], [[0, 0, 0], [1, 0, 0]])])
    with pytest.raises(InputError, match="one point"):
        FrameSet(mtp.native_arrays(), [Frame([1, 1], np.zeros((2, 3)))])
    with pytest.raises(InputError, match="instruction set"):
        FrameSet(mtp.native_arrays(), [], "sparc")
    frames = FrameSet(mtp.native_arrays(), [random_frame(0)])
    with pytest.raises(ValueError, match="length"):
        frames.evaluate(mtp.parameters[:-1])
    with pytest.raises(ValueError, match="no frame"):
        frames.native.loss(mtp.parameters, np.array([1]), 1, True)


def test_an_isolated_atom_and_an_empty_list() -> None:
    mtp = potential()
    rows = mtp.atom_gradients(Frame([6], [[0, 0, 0]]))
    assert rows[0, SPECIES.index(6)] == 1
    assert np.count_nonzero(rows) == 1
    energies, forces, strain = FrameSet(mtp.native_arrays(), []).evaluate(mtp.parameters)
    assert energies.shape == (0,)
    assert forces.shape == (0, 3)
    assert strain.shape == (0, 3, 3)
