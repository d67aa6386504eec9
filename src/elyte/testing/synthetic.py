"""Random processes whose properties are known exactly, to test what analyses say of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, signal

Array = NDArray[np.float64]


def autoregressive(
    rng: np.random.Generator, frames: int, decay: float, columns: tuple[int, ...] = ()
) -> Array:
    """Return a stationary series of variance 1 with ⟨x(t) x(t+k)⟩ = decay^k, (frames, *columns)."""
    noise = rng.normal(size=(frames, *columns)) * np.sqrt(1 - decay**2)
    start = decay * rng.normal(size=(1, *columns))
    return np.asarray(signal.lfilter([1.0], [1.0, -decay], noise, axis=0, zi=start)[0])


def brownian(rng: np.random.Generator, frames: int, particles: int, slope: float) -> Array:
    """Return walks with ⟨Δx²⟩ = slope · k along each axis, (frames, particles, 3)."""
    steps = rng.normal(size=(frames, particles, 3)) * np.sqrt(slope)
    return np.cumsum(steps, axis=0)


def langevin(
    rng: np.random.Generator, frames: int, particles: int, relaxation: float, diffusion: float
) -> tuple[Array, Array]:
    """Return positions and velocities of free Langevin particles at unit time steps, exactly.

        dx = v dt,  dv = −v/τ dt + √(2D)/τ dW:   ⟨Δx²⟩ = 2D [t − τ (1 − e^(−t/τ))]

    Args:
        frames, particles: sizes.
        relaxation: τ, frames.
        diffusion: D along one axis, per frame.

    Returns:
        positions and velocities, (frames, particles, 3).
    """
    tau, variance = relaxation, diffusion / relaxation
    decay = np.exp(-1 / tau)
    to_position = tau * (1 - decay)
    spread_v = variance * (1 - decay**2)
    spread_x = variance * tau**2 * (2 / tau - 3 + 4 * decay - decay**2)
    mixed = variance * tau * (1 - decay) ** 2
    root = linalg.cholesky(np.array([[spread_v, mixed], [mixed, spread_x]]), lower=True)
    kicks = rng.normal(size=(frames, particles, 3, 2)) @ root.T
    first = np.sqrt(variance) * rng.normal(size=(1, particles, 3))
    later = signal.lfilter([1.0], [1.0, -decay], kicks[..., 0], axis=0, zi=decay * first)[0]
    velocities = np.concatenate([first, later[:-1]])
    steps = velocities * to_position + kicks[..., 1]
    positions = np.concatenate([np.zeros((1, particles, 3)), np.cumsum(steps[:-1], axis=0)])
    return positions, velocities


def caged(
    rng: np.random.Generator,
    frames: int,
    particles: int,
    slope: float,
    relaxation: float,
    size: float,
) -> Array:
    """Return Brownian walkers that rattle besides: ⟨Δx²⟩ = slope·t + 2 size² (1 − e^(−t/τ))."""
    rattle = autoregressive(rng, frames, float(np.exp(-1 / relaxation)), (particles, 3))
    return brownian(rng, frames, particles, slope) + size * rattle


def correlated_walks(rng: np.random.Generator, frames: int, matrix: ArrayLike) -> Array:
    """Return s walks with ⟨Δx_i Δx_j⟩ = matrix_ij · k along each axis, (s, frames, 3)."""
    root = linalg.cholesky(np.asarray(matrix, dtype=float), lower=True)
    steps = np.einsum("ij,jtx->itx", root, rng.normal(size=(len(root), frames, 3)))
    return np.cumsum(steps, axis=1)


def exchange(
    rng: np.random.Generator, frames: int, ions: int, population: float, lifetime: float
) -> NDArray[np.bool_]:
    """Return two-state trajectories: in the state with `population`, leaving it after `lifetime`.

    Args:
        frames, ions: sizes of the result, (frames, ions).
        population: stationary probability of the state.
        lifetime: mean stay in the state, frames.
    """
    leave = 1 / lifetime
    enter = leave * population / (1 - population)
    states = np.empty((frames, ions), dtype=bool)
    states[0] = rng.random(ions) < population
    draws = rng.random((frames, ions))
    for t in range(1, frames):
        states[t] = np.where(states[t - 1], draws[t] >= leave, draws[t] < enter)
    return states


def ideal_gas(rng: np.random.Generator, frames: int, particles: int, cell: ArrayLike) -> Array:
    """Return independent uniform positions in a cell, (frames, particles, 3)."""
    return rng.random((frames, particles, 3)) @ np.asarray(cell, dtype=float)


def rotor(rng: np.random.Generator, frames: int, molecules: int, angle: float) -> Array:
    """Return directions that turn by one angle a frame about random axes, (frames, molecules, 3).

    ⟨P_l(u(0)·u(t))⟩ = P_l(cos angle)^t exactly: the addition theorem of spherical harmonics.

    Args:
        frames, molecules: sizes.
        angle: of each turn, radians.
    """
    u = rng.normal(size=(molecules, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    result = np.empty((frames, molecules, 3))
    for t in range(frames):
        result[t] = u
        turn = rng.normal(size=(molecules, 3))
        turn -= np.sum(turn * u, axis=1, keepdims=True) * u
        turn /= np.linalg.norm(turn, axis=1, keepdims=True)
        u = u * np.cos(angle) + turn * np.sin(angle)
    return result


def rotor_time(angle: float, order: int) -> float:
    """Return the relaxation time of P_order of `rotor`, frames."""
    cosine = np.cos(angle)
    return float(-1 / np.log(cosine if order == 1 else 1.5 * cosine**2 - 0.5))


def exchange_time(population: float, lifetime: float, intermittent: bool = False) -> float:
    """Return the relaxation time of `exchange`, frames: of staying, or of C(t) that forgives."""
    leave = 1 / lifetime
    enter = leave * population / (1 - population)
    return float(-1 / np.log(1 - leave - (enter if intermittent else 0.0)))


def ornstein_uhlenbeck_in_box(
    rng: np.random.Generator, frames: int, particles: int, cell: ArrayLike, relaxation: float
) -> tuple[Array, Array]:
    """Return particles tied to their places by springs, and the same wrapped into a cell.

    Each coordinate is stationary with variance 25 Å² and ⟨x(t) x(t+k)⟩ = 25 e^(−k/τ).

    Args:
        frames, particles: sizes.
        cell: Å, (3, 3).
        relaxation: τ, frames.

    Returns:
        unwrapped and wrapped, (frames, particles, 3).
    """
    box = np.asarray(cell, dtype=float)
    swing = 5 * autoregressive(rng, frames, float(np.exp(-1 / relaxation)), (particles, 3))
    walk = rng.random((particles, 3)) @ box + swing
    fractional = walk @ np.linalg.inv(box)
    return walk, (fractional - np.floor(fractional)) @ box


def barostatted_walk(
    rng: np.random.Generator,
    frames: int,
    particles: int,
    length: float,
    slope: float,
    breath: float,
) -> tuple[Array, Array, Array]:
    """Return Brownian walkers in a cubic box whose edge fluctuates and carries them along.

    Between frames the barostat scales the box and the positions in it; then the particles move.

    Args:
        frames, particles: sizes.
        length: mean edge, Å.
        slope: ⟨Δx²⟩ per frame along an axis, without the box, Å².
        breath: relative fluctuation of the edge.

    Returns:
        positions wrapped into the box, unwrapped by whole lattice vectors (Å, (frames, particles,
        3)), and cells (Å, (frames, 3, 3)).
    """
    edges = length * (1 + breath * autoregressive(rng, frames, 0.9))
    moves = rng.normal(size=(frames, particles, 3)) * np.sqrt(slope)
    moves[0] = 0.0
    fractional = rng.random((particles, 3)) + np.cumsum(moves / edges[:, None, None], axis=0)
    by_lattice = fractional * edges[:, None, None]
    wrapped = (fractional - np.floor(fractional)) * edges[:, None, None]
    return wrapped, by_lattice, edges[:, None, None] * np.eye(3)
