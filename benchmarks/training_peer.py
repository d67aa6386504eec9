"""Training against motep's BFGS: `python benchmarks/training_peer.py DATA --level 12 [...]`.

Both begin at the same parameters (the species coefficients fitted to the compositions, which
motep's own start lacks), minimise the same loss (motep's: energies per atom, forces per atom,
stresses times volume per atom) and have one core. motep's trainer cannot be resumed or limited, so
SciPy's BFGS, which it calls, is driven here over motep's own loss and gradient. It is stopped at a
time limit where it has not ended before. What is compared: the time to the loss where BFGS stops
(ours with the prior, which only makes it larger), and the losses at the end without the prior.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.optimize import minimize

from elyte.core.formats import read_dataset
from elyte.core.frame import Dataset, LabelledFrame
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.loss import Loss, Weights
from elyte.potentials.mtp.start import prior_of
from elyte.potentials.mtp.training import smallest_distance, train

WEIGHTS = Weights(scaling=2.0, scaling_forces=1.0)  # motep's defaults


class TimeIsUp(Exception):
    """Raised inside BFGS."""


def images_of(data: Sequence[LabelledFrame]) -> list[Atoms]:
    """Return ASE structures with their labels."""
    images = []
    for item in data:
        atoms = Atoms(
            item.frame.numbers, item.frame.positions, cell=item.frame.cell, pbc=item.frame.pbc
        )
        values = {"energy": item.labels.energy, "forces": item.labels.forces}
        if item.labels.stress is not None and item.frame.volume > 0:
            s = item.labels.stress
            values["stress"] = np.array([s[0, 0], s[1, 1], s[2, 2], s[1, 2], s[0, 2], s[0, 1]])
        atoms.calc = SinglePointCalculator(atoms, **values)
        images.append(atoms)
    return images


def start_of(data: Dataset, level: int, seed: int) -> MTP:
    """Return a random start with the mean binding in its species coefficients."""
    shortest = round(0.95 * smallest_distance(data.frames), 3)
    mtp = MTP.initial(level, data.species, 5.0, shortest, seed=seed)
    theta = mtp.parameters
    theta[: len(mtp.species)] = prior_of(mtp, data, None, None, WEIGHTS).centre[: len(mtp.species)]
    return mtp.with_parameters(theta)


def bfgs_of_motep(start: MTP, data: Dataset, seconds: float) -> dict[str, Any]:
    """Return what SciPy's BFGS reaches with motep's loss and gradient, and when."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.mtp"
        start.save(path)
        parameters = import_module("motep.io.mlip.mtp").read_mtp(str(path))
    parameters.species = np.array(start.species, dtype=np.int32)
    module = import_module("motep.loss")
    parameters.optimized = ["species_coeffs", "moment_coeffs", "radial_coeffs"]
    loss = module.LossFunction(images_of(data), parameters, module.LossSetting(), engine="cext")
    curve: list[tuple[float, float]] = []
    counts = {"losses": 0, "gradients": 0}
    began = time.perf_counter()

    def value(theta: np.ndarray) -> float:
        if time.perf_counter() - began > seconds:
            raise TimeIsUp
        found = float(loss(theta))
        counts["losses"] += 1
        curve.append((time.perf_counter() - began, min(found, curve[-1][1] if curve else found)))
        return found

    def slope(theta: np.ndarray) -> np.ndarray:
        counts["gradients"] += 1
        return np.asarray(loss.jac(theta))

    ended = "BFGS ended"
    try:
        minimize(value, parameters.parameters.copy(), jac=slope, method="BFGS")
    except TimeIsUp:
        ended = f"stopped after {seconds:.0f} s"
    return {
        "loss": curve[-1][1], "seconds": curve[-1][0], "end": ended, **counts, "first": curve[0][1],
        "curve": curve[:: max(1, len(curve) // 50)],
    }  # fmt: skip


def ours(start: MTP, data: Dataset, target: float, tolerance: float) -> dict[str, Any]:
    """Return our end, and when the loss of the peer was reached."""
    began = time.perf_counter()
    result = train(start, data, WEIGHTS, threads=1, tolerance=tolerance, max_iterations=100)
    seconds = time.perf_counter() - began
    bare = Loss(start, data, WEIGHTS)
    reached = [r for r in result.history if r.loss <= target and r.frames == len(data)]
    last = result.history[-1]
    return {
        "loss": bare.at(result.potential.parameters, gradient=False).loss,
        "seconds": seconds,
        "reached": reached[0].seconds if reached else None,
        "gradients": last.gradients, "evaluations": last.evaluations, "matrices": last.matrices,
        "force_rmse": result.errors.force_rmse,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--species", default=None, help="elements of .cfg files: 'Li,Ti,O'")
    parser.add_argument("--energy-key", default=None)
    parser.add_argument("--forces-key", default=None)
    parser.add_argument("--level", type=int, default=16)
    parser.add_argument("--frames", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=300.0, help="limit of BFGS")
    parser.add_argument("--tolerance", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    named = given.species.split(",") if given.species else None
    read = read_dataset(given.data, given.energy_key, given.forces_key, species=named)
    data = Dataset([x for x in read if len(x.frame) > 1][: given.frames])
    start = start_of(data, given.level, given.seed)
    peer = bfgs_of_motep(start, data, given.seconds)
    mine = ours(start, data, peer["loss"], given.tolerance)
    check = Loss(start, data, WEIGHTS).at(start.parameters, gradient=False).loss
    report = {
        "data": given.data.name, "frames": len(data), "parameters": start.n_parameters,
        "load": os.getloadavg()[0], "first loss": check, "motep": peer, "elyte": mine,
    }  # fmt: skip
    ratio = peer["seconds"] / mine["reached"] if mine["reached"] else float("nan")
    print(f"{report['data']}: {len(data)} frames, {start.n_parameters} parameters, first loss "
          f"{check:.4g} (motep says {peer['first']:.4g})\n"
          f"motep BFGS: loss {peer['loss']:.4g} in {peer['seconds']:.0f} s, {peer['gradients']} "
          f"gradients, {peer['end']}\n"
          f"elyte: that loss after {mine['reached']} s ({ratio:.0f} times less), at the end "
          f"{mine['loss']:.4g} in {mine['seconds']:.1f} s, {mine['matrices']:.1f} matrices, "
          f"{mine['gradients']:.0f} gradients")  # fmt: skip
    if given.out:
        given.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
