"""How long pairs last: existence autocorrelations and the integrals of their fits.

        continuous    S(t) = ⟨h(t₀) h(t₀ + 1) … h(t₀ + t)⟩ / ⟨h⟩
        intermittent  C(t) = (⟨h(t₀) h(t₀ + t)⟩ / ⟨h⟩ − p) / (1 − p),   p = ⟨h⟩ over all pairs
        τ = ∫₀^∞ Σ_i a_i e^(−t/τ_i) dt = Σ_i a_i τ_i,   Σ_i a_i = 1

h is 1 while a pair exists. S ends at the first break; C forgives breaks, and p is what it falls to
in a finite box where partners meet again by chance (doi:10.1080/00268978300102931,
10.1038/379055a0).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, optimize

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, t_factor, with_log_error
from elyte.analysis.speciation.shells import Contacts
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]
Existence = NDArray[np.bool_]
Kind = Literal["continuous", "intermittent"]

_GROUPS = 20
_LEAST_GROUPS = 6
_LAGS = 50
_MOST_TERMS = 3
_BETTER = 0.3  # a further exponential must leave less than this share of the residual
_GONE = 0.03  # an autocorrelation below this is not fitted
_ENOUGH = 3.0  # mean squared residual in units of the noise, whose lags are correlated
_LARGEST_TAIL = 0.3  # share of the integral that may lie beyond the last lag


def pair_existence(found: Contacts) -> tuple[Existence, NDArray[np.int64]]:
    """Return h(t) of all pairs that ever exist, (frames, k), and the ion of each pair, (k,)."""
    key = found.centre * found.ligands + found.ligand
    pairs, column = np.unique(key, return_inverse=True)
    existence = np.zeros((found.frames, len(pairs)), dtype=bool)
    existence[found.frame, column] = True
    return existence, pairs // found.ligands


def pair_lifetime(
    runs: Sequence[ArrayLike],
    timestep: float,
    kind: Kind = "continuous",
    ions: Sequence[ArrayLike] | None = None,
    pairs: int | None = None,
    species: str = "",
    temperature: float | None = None,
) -> tuple[Quantity, Curve]:
    """Return the lifetime of a pair (or of any state), ps, and its autocorrelation.

    The smallest number of exponentials (1 … 3) that fits within the noise is taken. The error is
    a delete-one jackknife over groups of ions, for which the fit is repeated, on log τ.

    Args:
        runs: h, (frames, k) each, of the pairs that ever exist (`pair_existence`).
        timestep: fs between frames.
        kind: "continuous" or "intermittent".
        ions: ion of each pair, (k,) for each run; pairs of one ion are one sample. None: all apart.
        pairs: number of possible pairs in a run, for p; None: k.
        species: what the result belongs to.
        temperature: K.

    Raises:
        InputError: no positive time step, an unknown kind, or arrays that do not fit together.
    """
    states = [_checked(run) for run in runs]
    _check(states, timestep, kind, pairs)
    groups = _groups_of(states, ions)
    sums = _sums_of_groups(states, groups, kind)
    sizes = np.bincount(np.concatenate(groups), minlength=len(sums))
    background = 0.0
    if kind == "intermittent":
        possible = [max(pairs or 0, h.shape[1]) for h in states]
        background = sum(int(h.sum()) for h in states) / sum(
            len(h) * n for h, n in zip(states, possible, strict=True)
        )
    return _result(sums, sizes, background, timestep, kind, species, temperature)


def _checked(run: ArrayLike) -> Existence:
    h = np.asarray(run)
    if h.ndim != 2 or len(h) < 2:
        raise InputError(f"pair existence has shape {h.shape}, expected (frames ≥ 2, pairs)")
    if not np.isin(h, (0, 1)).all():
        raise InputError("pair existence holds values other than 0 and 1")
    return h.astype(bool)


def _check(states: list[Existence], timestep: float, kind: str, pairs: int | None) -> None:
    if kind not in ("continuous", "intermittent"):
        raise InputError(f"a lifetime is 'continuous' or 'intermittent', not '{kind}'")
    if not (np.isfinite(timestep) and timestep > 0):
        raise InputError(f"a lifetime needs the time between frames (fs); it is {timestep}")
    if not states:
        raise InputError("a lifetime needs at least one run")
    if pairs is not None and pairs < max(h.shape[1] for h in states):
        raise InputError(f"{pairs} possible pairs, but more of them exist")


def _groups_of(
    states: list[Existence], ions: Sequence[ArrayLike] | None
) -> list[NDArray[np.int64]]:
    """Group of each pair, (k,) for each run: ions are dealt to at most `_GROUPS` groups."""
    owners = (
        [np.arange(h.shape[1]) for h in states] if ions is None else list(map(np.asarray, ions))
    )
    if [np.shape(o) for o in owners] != [(h.shape[1],) for h in states]:
        raise InputError("one ion index is needed for each pair of each run")
    groups, start = [], 0
    for owner in owners:
        unique, inverse = np.unique(owner, return_inverse=True)
        groups.append((start + inverse) % _GROUPS)
        start += len(unique)
    return groups


def _sums_of_groups(states: list[Existence], groups: list[NDArray[np.int64]], kind: str) -> Array:
    """Numerators and denominators of the autocorrelation for each group, (groups, 2, lags)."""
    lags = max(min(map(len, states)) // 2, 2)
    count = max((int(g.max(initial=-1)) + 1 for g in groups), default=0)
    sums = np.zeros((count, 2, lags))
    correlate = _surviving if kind == "continuous" else _returning
    for h, group in zip(states, groups, strict=True):
        for k in np.unique(group):
            mine = h[:, group == k]
            sums[k, 0] += correlate(mine, lags)
            sums[k, 1] += _origins(mine, lags, kind)
    return sums


def _origins(h: Existence, lags: int, kind: str) -> Array:
    """Σ h(t₀) over the origins of each lag; for C the mean over both ends, as it is symmetric."""
    total = np.concatenate([[0], np.cumsum(h.sum(axis=1))]).astype(float)
    early = total[len(h) - np.arange(lags)]
    if kind == "continuous":
        return early
    return (early + total[-1] - total[np.arange(lags)]) / 2


def _surviving(h: Existence, lags: int) -> Array:
    """Σ over stays of length L of max(L − t, 0), (lags,)."""
    padded = np.zeros((h.shape[1], len(h) + 2), dtype=np.int8)
    padded[:, 1:-1] = h.T
    change = np.diff(padded, axis=1)
    lengths = np.nonzero(change == -1)[1] - np.nonzero(change == 1)[1]
    at_least = np.cumsum(np.bincount(lengths, minlength=len(h) + 1)[::-1])[::-1]
    return np.cumsum(at_least[::-1])[::-1][1 : lags + 1].astype(float)


def _returning(h: Existence, lags: int) -> Array:
    """Σ h(t₀) h(t₀ + t), (lags,)."""
    length = fft.next_fast_len(len(h) + lags, real=True)
    power = np.zeros(length // 2 + 1)
    for start in range(0, h.shape[1], 256):
        spectrum = fft.rfft(h[:, start : start + 256].T.astype(float), length)
        power += (np.abs(spectrum) ** 2).sum(axis=0)
    return np.asarray(fft.irfft(power, length)[:lags])


def _curve_of(sums: Array, background: float) -> Array:
    ratio = sums[0] / np.maximum(sums[1], 1e-300)
    return np.asarray((ratio - background) / (1 - background))


def _left_out(sums: Array, sizes: NDArray[np.int64], background: float) -> list[Array]:
    """Autocorrelations without one group each, with the background that the others have."""
    total = sums.sum(axis=0)
    curves = []
    for part, size in zip(sums, sizes, strict=True):
        if part[1, 0] > 0 and size < sizes.sum():
            ratio = (1 - part[1, 0] / total[1, 0]) / (1 - size / sizes.sum())
            curves.append(_curve_of(total - part, min(background * ratio, 0.999)))
    return curves


def _model(parameters: Array, t: Array) -> Array:
    amplitudes, times = _terms(parameters)
    return np.asarray(amplitudes @ np.exp(-t[None] / times[:, None]))


def _terms(parameters: Array) -> tuple[Array, Array]:
    """Amplitudes that add to one, from log ratios, and times from their logarithms."""
    n = (len(parameters) + 1) // 2
    ratios = np.exp(np.concatenate([[0.0], parameters[n:]]))
    return ratios / ratios.sum(), np.exp(parameters[:n])


def _fit(start: Array, t: Array, y: Array, error: Array) -> tuple[Array, float]:
    n = (len(start) + 1) // 2
    low = np.r_[np.full(n, np.log(t[0] / 20)), np.full(n - 1, -8.0)]
    # A second time beyond the longest lag would be an offset, with an integral of any size.
    longest = t[-1] * (20 if n == 1 else 0.5)
    high = np.r_[np.full(n, np.log(longest)), np.full(n - 1, 8.0)]
    found = optimize.least_squares(
        lambda x: (_model(x, t) - y) / error,
        np.clip(start, low + 1e-6, high - 1e-6),
        bounds=(low, high),
        max_nfev=200,
    )
    return found.x, float(2 * found.cost / len(t))


def _best_fit(t: Array, y: Array, error: Array) -> Array:
    """Return the parameters of the fewest exponentials that leave no more than noise."""
    crossing = t[np.argmax(y < np.exp(-1))] if (y < np.exp(-1)).any() else t[-1]
    best, left = _fit(np.array([np.log(crossing)]), t, y, error)
    for n in range(2, _MOST_TERMS + 1):
        if left <= _ENOUGH:
            break
        spread = np.log(crossing) + np.linspace(1.0, -2.0, n)
        more, still = _fit(np.r_[spread, np.zeros(n - 1)], t, y, error)
        if still > _BETTER * left:
            break
        best, left = more, still
    return best


def _integral(parameters: Array, last: float) -> tuple[float, float]:
    """Return Σ a_i τ_i and the share of it that lies beyond the time `last`."""
    amplitudes, times = _terms(parameters)
    parts = amplitudes * times
    return float(parts.sum()), float(parts @ np.exp(-last / times) / parts.sum())


def _result(
    sums: Array,
    sizes: NDArray[np.int64],
    background: float,
    timestep: float,
    kind: str,
    species: str,
    temperature: float | None,
) -> tuple[Quantity, Curve]:
    total = sums.sum(axis=0)
    left_out = _left_out(sums, sizes, background)
    whole, k = _curve_of(total, background), len(left_out)
    t = np.arange(len(whole)) * timestep / 1000
    error = 0 * t
    if k > 1:
        error = np.sqrt(k - 1) * np.std(left_out, axis=0) * t_factor(ONE_SIGMA, k - 1)
    label = f"{species} {kind}".strip()
    curve = Curve("pair existence autocorrelation", t, whole, error, "ps", "1", label, species)
    name = f"{kind} pair lifetime"
    fields: dict[str, Any] = {"species": species, "temperature": temperature}
    if k < _LEAST_GROUPS:
        seen = f"only {k} ions ever were" if k else "no ion ever was"
        reason = (
            f"{seen} in this state or pair; at least {_LEAST_GROUPS} are needed: "
            "longer runs, or a larger box"
        )
        return Quantity.withhold(name, "ps", reason, **fields), curve
    gone = np.flatnonzero(whole < _GONE)  # what follows is noise alone
    last = int(gone[0]) if len(gone) else len(t) - 1
    points = np.unique(np.geomspace(1, max(last, 1), _LAGS).astype(int))
    points = points[total[1, points] > 0]
    # One noise for all lags: errors of single lags follow the values, and would bias the fit.
    noise = np.full(len(points), max(float(np.sqrt(np.mean(error[points] ** 2))), 1e-4))
    fitted = _best_fit(t[points], whole[points], noise)
    value, tail = _integral(fitted, t[-1])
    if tail > _LARGEST_TAIL:
        reason = (
            f"too short: {tail:.0%} of the integral lies beyond the longest lag, {t[-1]:.3g} ps; "
            "a longer run is needed"
        )
        return Quantity.withhold(name, "ps", reason, **fields), curve
    refits = [_fit(fitted, t[points], y[points], noise)[0] for y in left_out]
    logs = np.log([_integral(x, t[-1])[0] for x in refits])
    # Groups with few pairs weigh little: there are fewer of them than it seems.
    weights = sums[:, 1, 0]
    groups = float(weights.sum() ** 2 / np.sum(weights**2))
    spread = float(np.sqrt((k - 1) * np.mean((logs - logs.mean()) ** 2) * groups / (groups - 1)))
    return _quantity(name, value, spread, groups, fitted, fields), curve


def _quantity(
    name: str, value: float, spread: float, groups: float, fitted: Array, fields: dict[str, Any]
) -> Quantity:
    amplitudes, times = _terms(fitted)
    return with_log_error(
        name,
        value,
        spread,
        max(groups - 1, 1.0),
        "ps",
        method=f"integral of a fit of {len(times)} exponential(s); jackknife over ions",
        n_effective=groups,
        details={"amplitudes": amplitudes.tolist(), "times_ps": times.tolist()},
        **fields,
    )
