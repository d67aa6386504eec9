"""Checks of input that several properties share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError

Array = NDArray[np.float64]


def positive(**values: float) -> None:
    """Refuse parameters that are not positive, finite numbers.

    Raises:
        InputError: naming the first that is not.
    """
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value}; it must be a positive number")


def runs_of(
    values: Sequence[ArrayLike], shape: tuple[int | None, ...], what: str, least: int = 1
) -> list[Array]:
    """Return runs as arrays of shape (T, *shape), `None` for any length that all runs share.

    Args:
        values: one array for each independent run.
        shape: expected after the time axis.
        what: the name of the values, for messages.
        least: frames that each run must have.

    Raises:
        InputError: no run, another shape, too few frames or values that are not finite.
    """
    runs = [np.asarray(v, dtype=float) for v in values]
    if not runs:
        raise InputError(f"{what}: no run was given")
    wanted = ("T", *("n" if s is None else s for s in shape))
    for run in runs:
        fits = run.ndim == len(wanted) and all(
            s is None or s == k for s, k in zip(shape, run.shape[1:], strict=False)
        )
        if not fits or run.shape[1:] != runs[0].shape[1:]:
            expected = "(" + ", ".join(map(str, wanted)) + ")"
            raise InputError(f"{what}: shape {run.shape}, expected {expected}, alike in all runs")
        if len(run) < least:
            raise InputError(f"{what}: a run has {len(run)} frames, at least {least} are needed")
        if not np.isfinite(run).all():
            raise InputError(f"{what}: there are values that are not finite")
    return runs
