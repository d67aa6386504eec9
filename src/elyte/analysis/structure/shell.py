"""The first coordination shell of a radial distribution function, found in spite of noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Array = NDArray[np.float64]


_SURE = 2.0  # standard errors of a difference


@dataclass(frozen=True)
class Shell:
    """The first coordination shell.

    Args:
        peak: position of the first maximum, Å.
        minimum: position of the first minimum after it, Å; nan when there is none.
        reason: why there is no shell, or "".
    """

    peak: float
    minimum: float
    reason: str = ""


def first_shell(
    r: ArrayLike,
    g: ArrayLike,
    g_error: ArrayLike | None = None,
    smoothing: float = 0.08,
    least_peak: float = 1.2,
    reach: float = np.inf,
) -> Shell:
    """Find the first maximum and the first minimum that noise cannot have made.

    g is smoothed by a Gaussian, weighted by r² so that noise at small r does not count. The peak
    is the first maximum above `least_peak` and above the noise that g leaves by a fifth of its
    height. The minimum is the middle of the basin that follows: of all points within the noise
    of the lowest one before g rises again. Where ions and ligands hardly exchange the basin is
    wide and flat, and any radius in it counts the same ligands. Where noise leaves no minimum
    within `reach` that is sure, one that g shows ends the shell.

    Args:
        r: middles of equal bins, Å, (k,).
        g: (k,).
        g_error: standard error of g, (k,), or None.
        smoothing: width of the Gaussian, Å.
        least_peak: a maximum lower than this is no shell.
        reach: a minimum beyond it, Å, gives way to one before it if there is one.
    """
    x = np.asarray(r, dtype=float)
    smooth, noise = _smoothed(x, np.asarray(g, dtype=float), g_error, smoothing)
    if smooth.max(initial=0.0) < least_peak:
        return Shell(np.nan, np.nan, f"no shell: g(r) has no maximum above {least_peak}")
    peak = _first_peak(smooth, least_peak)
    if peak is None:
        return Shell(np.nan, np.nan, f"no shell: g(r) has no clear maximum up to {x[-1]:.1f} Å")
    after, uncertain = smooth[peak:], noise[peak:]
    least_rise = 0.1 * min(float(smooth[peak]), 3.0)
    end = _rise(after, np.maximum(least_rise, 3 * uncertain))
    if end == len(after) and after.min() > 0.2:
        return Shell(
            float(x[peak]),
            np.nan,
            f"no end of the shell: g(r) has no minimum up to {x[-1]:.1f} Å; give a cut-off",
        )
    near = int(np.searchsorted(x[peak : peak + end], reach, side="right"))
    minimum = _basin(after[:end], uncertain)
    if minimum >= near > 0:
        stop = _rise(after[:near], least_rise)
        if int(np.argmin(after[:stop])) < stop - 1:
            minimum = _basin(after[:stop], uncertain)
    return Shell(float(x[peak]), float(x[peak] + minimum * (x[1] - x[0])))


def _smoothed(
    r: Array, g: Array, g_error: ArrayLike | None, smoothing: float
) -> tuple[Array, Array]:
    """Return smoothed g and its standard error; what is all noise is cut to 1."""
    sigma = smoothing / (r[1] - r[0])
    weight = ndimage.gaussian_filter1d(r**2, sigma, mode="nearest")
    smooth = ndimage.gaussian_filter1d(g * r**2, sigma, mode="nearest") / weight
    if g_error is None:
        return smooth, np.zeros_like(smooth)
    square = ndimage.gaussian_filter1d(np.asarray(g_error, dtype=float) ** 2, sigma)
    noise = np.sqrt(square / (2 * np.sqrt(np.pi) * sigma + 1))  # bins that are averaged
    return np.where(smooth > 3 * noise, smooth, np.minimum(smooth, 1.0)), noise


def _first_peak(smooth: Array, least: float) -> int | None:
    best = 0
    for k in range(1, len(smooth)):
        if smooth[k] > smooth[best]:
            best = k
        elif smooth[best] > least and smooth[k] < 0.8 * smooth[best]:
            return best
    return None


def _rise(after: Array, least: float | Array) -> int:
    """Return the first point that is above the lowest one before it by `least`, or the length."""
    risen = np.flatnonzero(after > np.minimum.accumulate(after) + least)
    return int(risen[0]) if len(risen) else len(after)


def _basin(after: Array, noise: Array) -> float:
    """Return the middle of the points near the lowest one, in bins from the peak."""
    lowest = int(np.argmin(after))
    # Of two uncertain points neither is the lower one before they differ by more than both errors.
    both = np.hypot(noise[: len(after)], noise[lowest])
    slack = np.maximum(_SURE * both, min(0.02 * float(after[0]), 0.05))
    inside = after <= after[lowest] + slack
    low, high = lowest, lowest
    while low > 0 and inside[low - 1]:
        low -= 1
    while high + 1 < len(after) and inside[high + 1]:
        high += 1
    return (low + high) / 2
