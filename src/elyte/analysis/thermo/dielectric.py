"""Static dielectric constant from the fluctuations of the dipole of the box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.checks import positive, runs_of
from elyte.analysis.intervals import ONE_SIGMA, with_intervals
from elyte.analysis.statistics import variance
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, COULOMB

Array = NDArray[np.float64]

_NEUTRAL = 1e-3  # e; charges of a molecule that add up to less count as neutral
_LEAST_SAMPLES = 30.0
_LEAST_EFFECTIVE = 5.0
_UNSETTLED = 3.0  # a mean dipole this many standard errors from zero is not that of a liquid


def box_dipole(positions: ArrayLike, charges: ArrayLike, molecules: ArrayLike) -> Array:
    """Return M(t) = Σ q r of a box of neutral molecules, e Å, (T, 3).

    Args:
        positions: with every molecule whole (unwrapped), Å, (T, n, 3).
        charges: e, (n,).
        molecules: the molecule that each atom belongs to, integers, (n,).

    Raises:
        InputError: other shapes, or a molecule with a net charge: the dipole of an ion depends on
            the origin and grows as the ion diffuses, so that a conducting liquid has no static
            dielectric constant by this route.
    """
    (run,) = runs_of([positions], (None, 3), "positions")
    q, of = np.asarray(charges, dtype=float), np.asarray(molecules)
    n = run.shape[1]
    if q.shape != (n,) or of.shape != (n,) or not np.isfinite(q).all():
        raise InputError(f"charges and molecules need one finite value for each of {n} atoms")
    names, index = np.unique(of, return_inverse=True)
    net = np.bincount(index, weights=q)
    worst = int(np.argmax(np.abs(net)))
    if abs(net[worst]) > _NEUTRAL:
        raise InputError(
            f"molecule {names[worst]} has a net charge of {net[worst]:+.3f} e; the dielectric "
            "constant from dipole fluctuations is that of neutral molecules only"
        )
    q = q - (net / np.bincount(index))[index]  # rounding of charges must not see the origin
    return np.asarray(np.einsum("tnx,n->tx", run, q))


def dielectric_constant(
    dipoles: Sequence[ArrayLike],
    volume: float,
    temperature: float,
    high_frequency: float = 1.0,
) -> Quantity:
    """Return the static dielectric constant of a liquid of neutral molecules.

        ε = ε_∞ + ⟨|M|²⟩ / (3 ε₀ V k_B T)      (conducting boundary, doi:10.1080/00268978300102721)

    With ⟨M⟩ = 0, which holds by symmetry in a liquid: the three components of all runs are pooled
    about one mean. A mean dipole significantly off zero means that the run has not forgotten
    its start, or a field, and the number is withheld.

    Args:
        dipoles: M(t), e Å, (T, 3) each run, from Ewald sums with conducting boundary.
        volume: Å³, the mean one.
        temperature: K.
        high_frequency: ε_∞, 1 for charges that are fixed.

    Returns:
        Quantity, withheld with a reason when the runs are too short.

    Raises:
        InputError: another shape, bad parameters, dipoles that are all the same.
    """
    positive(volume=volume, temperature=temperature, high_frequency=high_frequency)
    runs = runs_of(dipoles, (3,), "dipoles of the box")
    if not any(np.ptp(run) for run in runs):
        raise InputError("the dipole of the box never changes; give its series with the charges")
    found = variance([run[:, k] for run in runs for k in range(3)])
    name = "dielectric constant"
    fields: dict[str, Any] = {
        "temperature": temperature,
        "method": "fluctuations of the dipole of the box, conducting boundary",
        "details": {"high_frequency": high_frequency},
    }
    reason = _refusal(runs, found.value, found.certainty, found.degrees_of_freedom)
    if reason:
        return Quantity.withhold(name, "1", reason, **fields)
    factor = 4 * np.pi * COULOMB / (volume * BOLTZMANN * temperature)
    (a, b), (c, d) = (found.interval(p) for p in (ONE_SIGMA, 0.95))
    return with_intervals(
        name,
        high_frequency + found.value * factor,
        (high_frequency + a * factor, high_frequency + b * factor),
        (high_frequency + c * factor, high_frequency + d * factor),
        "1",
        n_effective=found.degrees_of_freedom,
        **fields,
    )


def _refusal(runs: list[Array], spread: float, effective: float, freedom: float) -> str:
    if not spread > 0 or freedom < _LEAST_SAMPLES or effective < _LEAST_EFFECTIVE:
        return f"too short: about {freedom:.0f} independent dipoles"
    mean = np.average([r.mean(axis=0) for r in runs], axis=0, weights=[len(r) for r in runs])
    error = np.sqrt(spread * 3 / effective)  # of one component: a third of the samples
    if np.abs(mean).max() > _UNSETTLED * error:
        return f"the mean dipole is not zero ({np.abs(mean).max() / error:.1f} standard errors)"
    return ""
