"""Where a training starts: the prior, the linear solution, the first damping, the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from elyte.core.frame import LabelledFrame
from elyte.potentials.mtp.gauss_newton import Counts, Minimiser
from elyte.potentials.mtp.loss import Loss, Point, Prior, Weights
from elyte.potentials.mtp.potential import MTP

Floats = NDArray[np.float64]

PULL_OF_ATOMS = 1e-6  # 1/eV²: species coefficients 10 eV off cost 1e-4, little beside any loss
RIDGE = 0.15  # of the mean square of a weighted force; divided by the number of frames
ROWS_PER_PARAMETER = 120  # of the Jacobian at most: smaller samples cost more steps than they save
ROUGHLY = 1.5e-2  # tolerance for a part of the frames
ROWS_TO_BEGIN = 6  # per parameter, in the first stage of a large set
GROWTH_OF_STAGES = 3
FRAMES_FOR_LINEAR = 24
FEWEST = 4  # frames of a part


def prior_of(
    potential: MTP,
    dataset: Sequence[LabelledFrame],
    isolated_atoms: Mapping[int, float] | None,
    ridge: float | None,
    weights: Weights | None = None,
) -> Prior:
    """Return the prior of a training; see docs/theory/training.md."""
    if ridge is None:
        ridge = usual_ridge(dataset, weights or Weights())
    species = potential.species
    centre, strength = np.zeros(potential.n_parameters), np.zeros(potential.n_parameters)
    strength[len(species) :] = ridge / len(dataset)
    strength[: len(species)] = PULL_OF_ATOMS
    centre[: len(species)] = _atom_energies(species, dataset, isolated_atoms)
    return Prior(centre, strength)


def usual_ridge(dataset: Sequence[LabelledFrame], weights: Weights) -> float:
    """Return ρ K: a part of the mean square of the labels, which sets the scale of the loss.

    Forces count, or the scatter of the energies about their composition where there are none.
    """
    squares = [
        0.0 if x.labels.forces is None else float(np.sum(x.labels.forces**2)) for x in dataset
    ]
    factors = np.array([weights.of(item) for item in dataset])
    components = sum(3 * len(x.frame) for x, f in zip(dataset, factors, strict=True) if f[1] > 0)
    if components:
        return RIDGE * float(factors[:, 1] @ squares) / components
    sizes = np.array([len(item.frame) for item in dataset])
    per_atom = np.array([item.labels.energy for item in dataset]) / sizes
    return RIDGE * float(np.mean(factors[:, 0] * (sizes * (per_atom - per_atom.mean())) ** 2))


def _atom_energies(
    species: Sequence[int],
    dataset: Sequence[LabelledFrame],
    isolated_atoms: Mapping[int, float] | None,
) -> Floats:
    """Energies per species that explain the labels and lie nearest to the isolated atoms.

    Binding belongs to them, too: potentials that had to make up for hundreds of eV from the
    start were trained more slowly and worse.
    """
    counts = np.array([[np.sum(x.frame.numbers == z) for z in species] for x in dataset], float)
    energies = np.array([item.labels.energy for item in dataset])
    known = isolated_atoms or {}
    values = np.array([known.get(z, 0.0) for z in species])
    unknown = np.array([z not in known for z in species])
    for chosen in (unknown, np.ones_like(unknown)):
        if chosen.any():
            rest = energies - counts @ values
            values[chosen] += np.linalg.lstsq(counts[:, chosen], rest, rcond=1e-6)[0]
    return values


def solve_linear(loss: Loss, theta: Floats, counts: Counts | None = None) -> Point:
    """Solve for the coefficients that enter linearly, where this lowers the loss.

    The matrix comes from a few frames, the gradient from all.

    Args:
        loss: the sum of squares.
        theta: parameters, (P,).
        counts: gets what this has cost, in units of these frames.
    """
    theta = np.array(theta)
    if not theta[: loss.n_species].any():
        theta[: loss.n_species] = loss.prior.centre[: loss.n_species]
    point = loss.at(theta)
    few = np.arange(0, len(loss), max(1, len(loss) // FRAMES_FOR_LINEAR))
    linear = slice(0, loss.n_linear)
    matrix = loss.normal_matrix(theta, few)[linear, linear]
    if counts is not None:
        counts.gradients += 2
        counts.matrices += len(few) / len(loss)
    D = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix / np.outer(D, D) + 1e-8 * np.eye(len(D))
    try:
        factor = cho_factor(scaled)
    except LinAlgError:
        return point
    better = theta.copy()  # `point` keeps the array it was made from
    better[linear] -= cho_solve(factor, point.gradient[linear] / 2 / D) / D
    solved = loss.at(better)
    return solved if solved.loss < point.loss else point


def begin(part: Loss, theta: Floats, counts: Counts, share: float, seed: int) -> Minimiser:
    """Return the minimisation that a training on a part of the frames begins with.

    Args:
        part: loss of the part.
        theta: parameters, (P,).
        counts: gets what this costs, and what the minimisation will cost, in units of all frames.
        share: of the frames in the part.
        seed: of the frames drawn for the Gauss–Newton matrix.
    """
    own = Counts()
    point = solve_linear(part, theta, own)
    counts.add(own, share)
    damping, drawn = first_damping(part, point), sample_size(part)
    return Minimiser(part, point, damping, drawn, seed, counts, share)


def unexplained(loss: Loss, point: Point) -> float:
    """Return the loss relative to that of no forces at all, at most 1."""
    whole = float(loss.of_labels.sum()) / len(loss)
    return min(1.0, point.loss / whole) if whole > 0 else 1.0


def first_damping(loss: Loss, point: Point) -> float:
    """λ falls with the part of the labels that is still to be explained: 1e-2 from scratch."""
    return float(0.05 * max(unexplained(loss, point), 1e-4) ** 1.5)


def sample_size(loss: Loss) -> int | None:
    """Return the number of frames for the Gauss–Newton matrix, None for all."""
    share = ROWS_PER_PARAMETER * loss.n_parameters / max(loss.set.rows(), 1)
    return None if share >= 1 else max(1, int(np.ceil(share * len(loss))))


def is_trained(loss: Loss, theta: Floats) -> bool:
    """Return whether parameters come from a training, or explain nine tenths of the labels."""
    if theta[: loss.n_species].any():
        return True
    return unexplained(loss, loss.at(theta, gradient=False)) < 0.1


def stages(loss: Loss, seed: int) -> list[Loss]:
    """Return growing parts of a large set, the whole set last, for a training from scratch.

    Most iterations only find the valley, which a part of the frames shows as well. (A trained
    potential is in its valley, and a part without what is new would lead it away.)
    """
    order = np.random.default_rng(seed).permutation(len(loss))
    share = max(ROWS_TO_BEGIN * loss.n_parameters / max(loss.set.rows(), 1), FEWEST / len(loss))
    parts = []
    while share * GROWTH_OF_STAGES / 2 < 1:
        count = int(np.ceil(share * len(loss)))
        parts.append(loss.part(np.sort(order[:count])))
        share *= GROWTH_OF_STAGES
    return [*parts, loss]
