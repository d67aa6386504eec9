"""Ensembles: potentials from different starts, each of which misses another part of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elyte.core.errors import InputError
from elyte.core.frame import Dataset, LabelledFrame
from elyte.potentials.mtp.potential import MTP
from elyte.potentials.mtp.training import TrainingResult, train

SHARE = 0.1  # of the frames, which a member does not see: these tell it when to stop


def split(
    dataset: Sequence[LabelledFrame], share: float, seed: int
) -> tuple[Dataset, Dataset | None]:
    """Return the frames to train on and, where a part is to be held out, these.

    Args:
        dataset: labelled frames.
        share: part to hold out, in [0, 1).
        seed: of the choice.

    Raises:
        InputError: a share outside [0, 1).
    """
    if not 0 <= share < 1:
        raise InputError(f"the part held out must lie in [0, 1), not {share}")
    count = round(share * len(dataset))
    if count == 0:
        return Dataset(dataset), None
    chosen = set(np.random.default_rng(seed).permutation(len(dataset)).tolist()[:count])
    return (
        Dataset(item for k, item in enumerate(dataset) if k not in chosen),
        Dataset(item for k, item in enumerate(dataset) if k in chosen),
    )


def train_ensemble(
    starts: Sequence[MTP],
    dataset: Sequence[LabelledFrame],
    held_out: float = SHARE,
    seed: int = 0,
    state: Path | None = None,
    **options: Any,
) -> list[TrainingResult]:
    """Train one potential from each start, on a split of its own.

    Args:
        starts: two at least: `MTP.initial` with different seeds, or an earlier ensemble.
        dataset: labelled frames.
        held_out: part of the frames that each member does not see, chosen anew for each.
        seed: of the splits; member k has seed + k.
        state: see `train`; member k has its own file beside it.
        **options: see `train`.

    Raises:
        InputError: fewer than two starts; see `train`.
    """
    if len(starts) < 2:
        raise InputError(f"an ensemble needs two members at least, not {len(starts)}")
    results = []
    for k, start in enumerate(starts):
        kept, validation = split(dataset, held_out, seed + k)
        own = None if state is None else member_path(state, k)
        results.append(
            train(start, kept, validation=validation, seed=seed + k, state=own, **options)
        )
    return results


def member_path(path: Path, member: int) -> Path:
    """Return the file of a member, counted from 0: potential.almtp → potential-1.almtp."""
    return path.with_name(f"{path.stem}-{member + 1}{path.suffix}")
