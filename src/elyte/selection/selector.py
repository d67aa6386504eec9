"""One protocol for everything that chooses frames to label, and the selectors without MaxVol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame, InputError


class Selector(Protocol):
    """Chooses frames to be labelled; `ActiveSet` is one."""

    def select(
        self, potential: Any, candidates: Sequence[Frame], limit: int | None = None
    ) -> list[int]:
        """Return indices of candidates, the most wanted first."""


class Evaluates(Protocol):
    """A potential, as far as an ensemble needs it."""

    def evaluate(self, frames: Sequence[Frame]) -> Sequence[Any]:
        """Return evaluations with `forces` (n, 3)."""


@dataclass(frozen=True)
class RandomSelector:
    """Frames drawn uniformly without replacement: what every other selector must beat."""

    seed: int = 0

    def select(
        self, potential: Any, candidates: Sequence[Frame], limit: int | None = None
    ) -> list[int]:
        """Return `limit` candidates, or all, in random order; the potential is not looked at."""
        order = np.random.default_rng(self.seed).permutation(len(candidates))
        return [int(i) for i in order[:limit]]


@dataclass(frozen=True)
class EnsembleSelector:
    """Frames on whose forces the members of an ensemble disagree.

    u_i = max over x, y, z of the standard deviation over the members of F_i,
    as in Zills et al. 2024, eq. 8, doi:10.1039/D4FD00025K. A frame's disagreement is that of its
    worst atom.

    Args:
        others: members beside the potential that `select` is given.
        threshold: eV/Å; frames below it are not selected.
    """

    others: Sequence[Evaluates]
    threshold: float = 0.0

    def grades(self, potential: Evaluates, frame: Frame) -> NDArray[np.float64]:
        """Return u of every atom, eV/Å, (n,)."""
        if not self.others:
            raise InputError("an ensemble needs at least two members; `others` is empty")
        forces = [member.evaluate([frame])[0].forces for member in (potential, *self.others)]
        return np.asarray(np.std(forces, axis=0, ddof=1).max(axis=-1))

    def select(
        self, potential: Evaluates, candidates: Sequence[Frame], limit: int | None = None
    ) -> list[int]:
        """Return the candidates with disagreement above the threshold, the largest first."""
        worst = np.array([self.grades(potential, frame).max(initial=0.0) for frame in candidates])
        order = np.argsort(-worst, kind="stable")
        return [int(i) for i in order if worst[i] > self.threshold][:limit]
