"""A reference engine of closed formulas: labels in milliseconds, failures on demand.

E = Σ_i e_{z_i} + Σ_{i<j} s(r) [b(r) D (q² − 2 q) + (1 − b(r)) W exp(−(r − w)/ρ)]
q = exp(−a (r − d)): a Morse bond between atoms about as near as their covalent radii say (d is
their sum; b goes from one at 1.25 d to zero at 1.6 d), and further out a soft wall at 0.8 of the
van der Waals radii; s ends both at 5 Å.
Molecules stay together and do not run into one another; no other chemistry is meant.

Use it under the name "xtb" of an `EngineSettings`, or any other, by
`monkeypatch.setitem(elyte.reference.engines.ENGINES, "xtb", fake_engine())`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ase.data import covalent_radii, vdw_radii
from numpy.typing import NDArray

from elyte.core import Frame, Outcome
from elyte.reference.engines import Engine
from elyte.reference.settings import EngineSettings
from elyte.testing.fake_potential import pairs_within

Array = NDArray[np.float64]

CUTOFF = 5.0  # Å
_DEPTH, _STIFFNESS = 3.0, 2.2  # eV, 1/Å: of bonds
_WALL, _SOFTNESS = 0.08, 0.25  # eV, Å
_VARIABLE = "ELYTE_FAKE_FAILURES"
KINDS = ("scf_not_converged", "failed", "nan", "crash", "hang")
"""What can be injected: two outcomes, labels that are not numbers, death, an endless wait."""


def fake_engine(failure: str = "", rate: float = 0.0, name: str = "xtb") -> Engine:
    """Return an engine record whose labels are made by `label` of this module.

    Args:
        failure: one of `KINDS`, or "" for none.
        rate: share of structures that fail; the same ones in every run.
        name: which engine it stands for.
    """
    if failure and failure not in KINDS:
        raise ValueError(f"failure is {failure!r}; it is one of {', '.join(KINDS)}")
    return Engine(
        name=name,
        task=f"{__name__}:label",
        available=lambda: Outcome("done", details={"version": "1"}),
        version=lambda: "fake-1",
        level=lambda settings: f"{settings.method}/fake-1",
        check=lambda frame, settings: None,
        environment=lambda: {_VARIABLE: f"{failure}:{rate}"} if failure else {_VARIABLE: ""},
    )


def label(frame: Frame, settings: dict[str, Any] | EngineSettings) -> dict[str, Any] | Outcome:
    """Return energy, forces, stress and (zero) charges of a frame, or an injected failure."""
    failure, _, rate = os.environ.get(_VARIABLE, "").partition(":")
    if failure and fails(frame, float(rate)):
        return _fail(failure, frame)
    energy, forces, stress = evaluate(frame)
    return {
        "energy": energy,
        "forces": forces,
        "stress": stress if frame.pbc.all() else None,
        "charges": np.zeros(len(frame)),
    }


def fails(frame: Frame, rate: float) -> bool:
    """Say whether a structure is among those that fail: a property of its hash."""
    return int(frame.digest()[:8], 16) < rate * 16**8


def evaluate(frame: Frame) -> tuple[float, Array, Array]:
    """Return energy eV, forces eV/Å (n, 3) and stress eV/Å³ (3, 3) of the formula."""
    first, second, vectors, distances = pairs_within(frame, CUTOFF)
    values, slopes = _pair_energy(frame.numbers[first], frame.numbers[second], distances)
    # each pair comes twice
    energy = float(isolated_energies(frame.numbers).sum() + 0.5 * values.sum())
    pull = 0.5 * (slopes / distances)[:, None] * vectors
    forces = np.zeros((len(frame), 3))
    np.add.at(forces, first, pull)
    np.add.at(forces, second, -pull)
    volume = frame.volume if frame.pbc.any() else np.inf
    return energy, forces, np.einsum("pa,pb->ab", pull, vectors) / volume


def isolated_energies(numbers: NDArray[np.int64]) -> Array:
    """Return e_z = −10 z eV of each atom."""
    return -10.0 * np.asarray(numbers, dtype=float)


def _pair_energy(a: NDArray[np.int64], b: NDArray[np.int64], r: Array) -> tuple[Array, Array]:
    """Return the energy of pairs and its derivative by r, (p,) each."""
    bond = covalent_radii[a] + covalent_radii[b]
    contact = 0.8 * (_contact_radii(a) + _contact_radii(b))
    q = np.exp(-_STIFFNESS * (r - bond))
    morse, morse_slope = q * q - 2 * q, -2 * _STIFFNESS * (q * q - q)
    near, near_slope = _fade(r, 1.25 * bond, 1.6 * bond)
    wall = _WALL * np.exp(-(r - contact) / _SOFTNESS)
    inside = _DEPTH * morse * near + wall * (1.0 - near)
    slope = _DEPTH * (morse_slope * near + morse * near_slope)
    slope -= wall * ((1.0 - near) / _SOFTNESS + near_slope)
    end, end_slope = _fade(r, 0.8 * CUTOFF, CUTOFF)
    return inside * end, slope * end + inside * end_slope


def _contact_radii(numbers: NDArray[np.int64]) -> Array:
    return np.nan_to_num(vdw_radii[numbers], nan=2.0)


def _fade(r: Array, start: Array | float, end: Array | float) -> tuple[Array, Array]:
    """Return a switch from one at `start` to zero at `end`, twice differentiable, and its slope."""
    x = np.clip((r - start) / (np.asarray(end) - start), 0.0, 1.0)
    slope = -30.0 * x**2 * (1.0 - x) ** 2 / (np.asarray(end) - start)
    return 1.0 - x**3 * (10.0 - 15.0 * x + 6.0 * x**2), slope


def _fail(failure: str, frame: Frame) -> dict[str, Any] | Outcome:
    actions: dict[str, Callable[[], Any]] = {
        "scf_not_converged": lambda: Outcome("scf_not_converged", "injected by the fake engine"),
        "failed": lambda: Outcome("failed", "injected by the fake engine"),
        "nan": lambda: _not_numbers(frame),
        "crash": lambda: os._exit(139),
        "hang": lambda: time.sleep(3600),
    }
    result: dict[str, Any] | Outcome = actions[failure]()
    return result


def _not_numbers(frame: Frame) -> dict[str, Any]:
    nan = np.full((len(frame), 3), np.nan)
    return {"energy": float("nan"), "forces": nan, "stress": None, "charges": nan[:, 0]}
