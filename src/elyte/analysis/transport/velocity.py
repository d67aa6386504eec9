"""Velocity autocorrelations, and cross-correlations of an ion with its first shell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.checks import positive, runs_of
from elyte.analysis.correlation import autocorrelation
from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, t_factor
from elyte.analysis.speciation.shells import Contacts
from elyte.analysis.transport.diffusion import pooled
from elyte.core.errors import InputError

Array = NDArray[np.float64]

VACF = "Velocity autocorrelations"
VCCF = "Velocity cross-correlations within the first shell"
_GROUPS = 10  # of particles, whose scatter is the error
_ORIGINS = 400  # time origins of a cross-correlation


def velocity_autocorrelation(
    velocities: Sequence[ArrayLike], timestep: float, lags: int | None = None, species: str = ""
) -> Curve:
    """Return the normalised velocity autocorrelation, over ps.

        C(t) = ⟨v(0)·v(t)⟩ / ⟨v²⟩

    Args:
        velocities: Å/fs, (T, n, 3) each run.
        timestep: fs between frames.
        lags: number of lags; None: a quarter of the longest run.
        species: name.

    Returns:
        Curve with the standard error from the scatter of ten groups of particles, none for fewer
        than ten; `details["mean_square"]` is ⟨v²⟩, (Å/fs)².

    Raises:
        InputError: another shape, no positive time step, velocities that are all zero.
    """
    positive(timestep=timestep)
    runs = runs_of(velocities, (None, 3), "velocities", least=2)
    frames = [len(v) for v in runs]
    count = max(lags or max(frames) // 4, 2)
    whole = pooled([autocorrelation(v, count) for v in runs], frames)
    if not whole[0] > 0:
        raise InputError("all velocities are zero")
    x = np.arange(len(whole)) * timestep / 1000
    return Curve(
        "C(t)",
        x,
        whole / whole[0],
        _scatter(runs, count, whole),
        "ps",
        "1",
        species,
        species,
        {"mean_square": float(whole[0])},
        VACF,
    )


def _scatter(runs: list[Array], count: int, whole: Array) -> Array | None:
    """Return the error of C(t)/C(0), whose two parts fluctuate together, from groups."""
    n = runs[0].shape[1]
    if n < _GROUPS:
        return None
    parts = [
        pooled([autocorrelation(v[:, k::_GROUPS], count) for v in runs], [len(v) for v in runs])
        for k in range(_GROUPS)
    ]
    shape = whole / whole[0]
    spread = np.std([p[: len(whole)] - shape * p[0] for p in parts], axis=0, ddof=1)
    student = t_factor(ONE_SIGMA, _GROUPS - 1)
    return np.asarray(student * spread / np.sqrt(_GROUPS) / whole[0])


def shell_cross_correlation(
    ions: Sequence[ArrayLike],
    ligands: Sequence[ArrayLike],
    bound: Sequence[Contacts],
    timestep: float,
    lags: int | None = None,
    species: str = "",
) -> Curve:
    """Return the velocity cross-correlation of an ion with the molecules of its shell at t = 0.

        C_d(t) = ⟨v_i(0)·v_j(t)⟩ / √(⟨v_i²⟩⟨v_j²⟩),  j in the first shell of i at time 0

    It is positive where a ligand is dragged along.

    Args:
        ions: Å/fs, (T, n, 3) each run.
        ligands: centres of mass of the ligands, Å/fs, (T, m, 3) each run.
        bound: contacts of ions and ligands, one for each run.
        timestep: fs between frames.
        lags: number of lags; None: a quarter of the longest run, at most 1000.
        species: name.

    Returns:
        Curve with the error from the scatter of ten groups of ions, over ps.

    Raises:
        InputError: shapes that do not fit, or nothing that is ever bound.
    """
    positive(timestep=timestep)
    first = runs_of(ions, (None, 3), "velocities of ions", least=2)
    second = runs_of(ligands, (None, 3), "velocities of ligands", least=2)
    fits = [
        (len(a), a.shape[1], b.shape[1]) == (c.frames, c.centres, c.ligands)
        for a, b, c in zip(first, second, bound, strict=True)
    ]
    if not all(fits):
        raise InputError("velocities and contacts are of different ions, ligands or frames")
    count = max(lags or min(max(map(len, first)) // 4, 1000), 2)
    sums, pairs = np.zeros((_GROUPS, count)), np.zeros((_GROUPS, count))
    for a, b, c in zip(first, second, bound, strict=True):
        _add(sums, pairs, a, b, c, count)
    if not pairs[:, 0].any():
        raise InputError("no ligand is ever in the first shell")
    scale = np.sqrt(_mean_square(first) * _mean_square(second))
    used = pairs.sum(axis=0) > 0
    y = sums.sum(axis=0)[used] / pairs.sum(axis=0)[used] / scale
    x = np.arange(count)[used] * timestep / 1000
    error = _group_error(sums[:, used], pairs[:, used], scale)
    return Curve("C(t)", x, y, error, "ps", "1", species, species, {}, VCCF)


def _mean_square(runs: list[Array]) -> float:
    return float(np.mean([np.mean(np.sum(v**2, axis=-1)) for v in runs]))


def _group_error(sums: Array, pairs: Array, scale: float) -> Array | None:
    if not (pairs > 0).all():
        return None
    return np.asarray(np.std(sums / pairs, axis=0, ddof=1) / np.sqrt(len(sums)) / scale)


def _add(sums: Array, pairs: Array, a: Array, b: Array, bound: Contacts, count: int) -> None:
    """Add the products of all pairs that are bound at some time origins."""
    stride = -(-len(a) // _ORIGINS)
    first = np.searchsorted(bound.frame, np.arange(len(a) + 1))
    for origin in range(0, len(a) - 1, stride):
        part = slice(first[origin], first[origin + 1])
        ion, ligand = bound.centre[part], bound.ligand[part]
        if not len(ion):
            continue
        later = b[origin : origin + count, ligand]
        products = np.einsum("pi,tpi->pt", a[origin, ion], later)
        group = ion % _GROUPS
        for k in np.unique(group):
            mine = products[group == k]
            sums[k, : len(later)] += mine.sum(axis=0)
            pairs[k, : len(later)] += len(mine)
