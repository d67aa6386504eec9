"""Readable NumPy reference of the moment tensor potential: one function for each equation.

    E = Σ_i (c_{z_i} + Σ_α ξ_α B_α(i))                        `energies`
    B_α = M[mapping[α]],  M[target] += k M[a] M[b]            `moments`
    M_{μν}(i) = Σ_j f_μ(r_ij) û_x^ν_x û_y^ν_y û_z^ν_z          `basic_moments`
    f_μ(r) = scaling Σ_β c[z_i][z_j][μ][β] T_β(x) (r_max − r)²  `radial_functions`
    x = (2r − r_min − r_max) / (r_max − r_min)                `chebyshev`

Forces and stress are the reverse pass, `adjoints` and `pair_gradients`. It is what the native
kernel is tested against; doi:10.1137/15M1054183, 10.1088/2632-2153/abc9fe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from elyte.core.frame import Frame
from elyte.core.neighbours import Neighbours, neighbours_naive
from elyte.potentials.mtp.kernel import check_species
from elyte.potentials.protocol import Evaluation

if TYPE_CHECKING:
    from elyte.potentials.mtp.potential import MTP

Array = NDArray[np.float64]


def chebyshev(x: Array, size: int) -> tuple[Array, Array]:
    """Return T_β(x) and T'_β(x), (m, size) each.

    T_{β+1} = 2x T_β − T_{β−1}, with T_0 = 1 and T_1 = x.
    """
    t = np.ones((len(x), size))
    dt = np.zeros_like(t)
    if size > 1:
        t[:, 1], dt[:, 1] = x, 1
    for beta in range(2, size):
        t[:, beta] = 2 * x * t[:, beta - 1] - t[:, beta - 2]
        dt[:, beta] = 2 * t[:, beta - 1] + 2 * x * dt[:, beta - 1] - dt[:, beta - 2]
    return t, dt


def radial_functions(
    potential: MTP, zi: NDArray[np.int64], zj: NDArray[np.int64], r: Array
) -> tuple[Array, Array]:
    """Return f_μ(r) and f'_μ(r) of pairs of types, (m, n_mu) each.

    f_μ(r) = scaling · (r_max − r)² Σ_β c[z_i][z_j][μ][β] T_β(x) for r < r_max.
    """
    low, high = potential.min_distance, potential.max_distance
    t, dt = chebyshev((2 * r - low - high) / (high - low), potential.radial_size)
    left = (high - r)[:, None]
    basis = t * left**2
    slope = dt * 2 / (high - low) * left**2 - 2 * t * left
    c = potential.scaling * potential.radial[zi, zj]
    return np.einsum("mkb,mb->mk", c, basis), np.einsum("mkb,mb->mk", c, slope)


def monomials(unit: Array, powers: NDArray[np.int64]) -> Array:
    """Return û_x^ν_x û_y^ν_y û_z^ν_z for each pair and each row of powers, (m, k)."""
    return np.prod(unit[:, None, :] ** powers[None], axis=2)


def monomial_gradients(unit: Array, powers: NDArray[np.int64]) -> Array:
    """Return the derivatives of the monomials with respect to û, (m, k, 3)."""
    gradients = []
    for axis in range(3):
        lowered = powers.copy()
        lowered[:, axis] = np.maximum(powers[:, axis] - 1, 0)
        gradients.append(powers[:, axis] * monomials(unit, lowered))
    return np.stack(gradients, axis=2)


def basic_moments(potential: MTP, n: int, pairs: Neighbours, f: Array) -> Array:
    """Return M_{μν} of each atom, (n, basic)."""
    basic = potential.tables.basic
    unit = pairs.vector / pairs.distance[:, None]
    terms = f[:, basic[:, 0]] * monomials(unit, basic[:, 1:])
    moments = np.zeros((n, len(basic)))
    np.add.at(moments, pairs.first, terms)
    return moments


def moments(potential: MTP, basic: Array) -> Array:
    """Return all moments of each atom: M[target] += coefficient · M[a] · M[b], (n, moments)."""
    values = np.zeros((len(basic), potential.tables.moments_count))
    values[:, : basic.shape[1]] = basic
    for a, b, coefficient, target in potential.tables.products:
        values[:, target] += coefficient * values[:, a] * values[:, b]
    return values


def energies(potential: MTP, types: NDArray[np.int64], values: Array) -> Array:
    """Return E_i = c_{z_i} + Σ_α ξ_α B_α, eV, (n,)."""
    scalars = values[:, potential.tables.mapping]
    return potential.species_coefficients[types] + scalars @ potential.moment_coefficients


def adjoints(potential: MTP, values: Array) -> Array:
    """Return ∂E_i/∂M of all moments: the products run backwards, (n, moments)."""
    adjoint = np.zeros_like(values)
    np.add.at(adjoint.T, potential.tables.mapping, potential.moment_coefficients[:, None])
    for a, b, coefficient, target in potential.tables.products[::-1]:
        above = coefficient * adjoint[:, target]
        adjoint[:, a] += above * values[:, b]
        adjoint[:, b] += above * values[:, a]
    return adjoint


def pair_gradients(
    potential: MTP, pairs: Neighbours, f: Array, slope: Array, adjoint: Array
) -> Array:
    """Return ∂E_i/∂r_ij of each pair, eV/Å, (m, 3).

    With g = Σ A f_μ ∂û^ν/∂û:  Σ A f'_μ û^ν û + (g − û (û·g)) / r.
    """
    basic = potential.tables.basic
    r = pairs.distance[:, None]
    unit = pairs.vector / r
    above = adjoint[pairs.first, : len(basic)]
    along = np.sum(above * slope[:, basic[:, 0]] * monomials(unit, basic[:, 1:]), axis=1)
    g = np.einsum("mk,mkx->mx", above * f[:, basic[:, 0]], monomial_gradients(unit, basic[:, 1:]))
    across = g - unit * np.sum(unit * g, axis=1, keepdims=True)
    return unit * along[:, None] + across / r


def evaluate(potential: MTP, frame: Frame) -> Evaluation:
    """Return energy, forces, stress and atomic energies of a frame, as `MTP.evaluate` does."""
    check_species(frame, list(potential.species))
    n = len(frame)
    types = np.array([potential.species.index(z) for z in frame.numbers], dtype=np.int64)
    pairs = neighbours_naive(frame, potential.cutoff)
    f, slope = radial_functions(potential, types[pairs.first], types[pairs.second], pairs.distance)
    values = moments(potential, basic_moments(potential, n, pairs, f))
    of_atoms = energies(potential, types, values)
    gradients = pair_gradients(potential, pairs, f, slope, adjoints(potential, values))
    if potential.core is not None:  # half of each pair's repulsion belongs to either atom
        zi, zj, r = types[pairs.first], types[pairs.second], pairs.distance
        repulsion, steepness = potential.core.energy_and_slope(zi, zj, r)
        np.add.at(of_atoms, pairs.first, repulsion / 2)
        gradients += (steepness / (2 * r))[:, None] * pairs.vector
    forces = np.zeros((n, 3))
    np.add.at(forces, pairs.first, gradients)
    np.add.at(forces, pairs.second, -gradients)
    stress = np.zeros((3, 3))
    if frame.volume > 0:
        stress = pairs.vector.T @ gradients / frame.volume
    return Evaluation(float(of_atoms.sum()), forces, (stress + stress.T) / 2, of_atoms)


def atom_gradients(potential: MTP, frame: Frame) -> Array:
    """Return ∂E_i/∂θ of each atom in the order of `MTP.parameters`, (n, P).

    ∂E_i/∂ξ_α = B_α;  ∂E_i/∂c[z_i][z_j][μ][β] = scaling Σ_j T_β (r_max − r)² Σ_ν A_{μν} û^ν.
    """
    n, s = len(frame), len(potential.species)
    types = np.array([potential.species.index(z) for z in frame.numbers], dtype=np.int64)
    pairs = neighbours_naive(frame, potential.cutoff)
    zi, zj, r = types[pairs.first], types[pairs.second], pairs.distance
    f, _ = radial_functions(potential, zi, zj, r)
    values = moments(potential, basic_moments(potential, n, pairs, f))
    basic = potential.tables.basic
    terms = adjoints(potential, values)[pairs.first, : len(basic)] * monomials(
        pairs.vector / r[:, None], basic[:, 1:]
    )
    by_function = np.zeros((potential.n_mu, len(pairs)))
    np.add.at(by_function, basic[:, 0], terms.T)
    low, high = potential.min_distance, potential.max_distance
    t, _ = chebyshev((2 * r - low - high) / (high - low), potential.radial_size)
    functions = potential.scaling * t * (high - r)[:, None] ** 2
    radial = np.zeros((n, *potential.radial.shape))
    np.add.at(radial, (pairs.first, zi, zj), by_function.T[:, :, None] * functions[:, None, :])
    isolated = np.eye(s)[types]
    return np.hstack([isolated, values[:, potential.tables.mapping], radial.reshape(n, -1)])
