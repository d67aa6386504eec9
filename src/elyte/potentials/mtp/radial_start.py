"""Random radial functions that a training begins well with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WEIGHTS = (0.35, 1.05)  # of T_μ, for each pair of species
NOISE = 0.2  # of T_β, falling as 1/(1 + β)


def radial_start(
    random: np.random.Generator, species: int, functions: int, size: int
) -> NDArray[np.float64]:
    """Return random radial coefficients, (s, s, n_mu, radial_size).

    c[z_i][z_j][μ][β] = w δ_βμ + n / (1 + β), w uniform in (0.35, 1.05), n in (−0.2, 0.2): the
    μ-th function is the μ-th Chebyshev polynomial of all pairs, but not equally strong, and a
    little of all others. Trainings come to lower losses from there, and to less different ones,
    than from coefficients that are all alike at random; docs/theory/training.md has the figures.

    Args:
        random: generator, drawn from.
        species: number s of species.
        functions: n_mu.
        size: number of Chebyshev polynomials.
    """
    shape = (species, species, functions)
    radial = random.uniform(-NOISE, NOISE, (*shape, size)) / (1 + np.arange(size))
    each = np.arange(functions)
    radial[:, :, each, each % size] += random.uniform(*WEIGHTS, shape)
    return radial
