"""Training against motep's BFGS: `python benchmarks/training_peer.py DATA --level 12 [...]`.

Both begin at the same parameters (the species coefficients fitted to the compositions, which
motep's own start lacks; ours compares other starts, too, where it usually does), minimise the same
loss (motep's: energies per atom, forces per atom, stresses times volume per atom) and have one
core. motep's trainer cannot be resumed or limited, so SciPy's BFGS, which it calls, is driven here
over motep's own loss and gradient for some time. Since these take seconds to minutes, BFGS does not
come far; how far it would come with so many gradients shows SciPy's BFGS over our loss and
gradient, which are the same function (the first losses are compared): its time with motep is its
number of gradients times what one took in motep in the same run. What is compared: the time to the
loss where BFGS stops (ours with the prior, which only makes it larger), and the losses at the end
without the prior.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import training_data
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.optimize import minimize

from elyte.core.frame import Dataset, LabelledFrame
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.loss import Loss, Weights
from elyte.potentials.mtp.start import prior_of
from elyte.potentials.mtp.training import smallest_distance, train

WEIGHTS = Weights(1.0, 0.01, 0.001, scaling=2.0, scaling_forces=1.0)  # motep's defaults


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
    """Return what SciPy's BFGS reaches in some time with motep's loss and gradient."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.mtp"
        start.save(path)
        parameters = import_module("motep.io.mlip.mtp").read_mtp(str(path))
    parameters.species = np.array(start.species, dtype=np.int32)
    parameters.optimized = ["species_coeffs", "moment_coeffs", "radial_coeffs"]
    module = import_module("motep.loss")
    loss = module.LossFunction(images_of(data), parameters, module.LossSetting(), engine="cext")
    loss(parameters.parameters)  # compiles and allocates
    return bfgs(
        lambda theta: float(loss(theta)), lambda theta: np.asarray(loss.jac(theta)),
        parameters.parameters.copy(), seconds, 10**9,
    )  # fmt: skip


def bfgs_of_ours(start: MTP, data: Dataset, gradients: int, seconds: float) -> dict[str, Any]:
    """Return what SciPy's BFGS reaches with our loss and gradient."""
    loss = Loss(start, data, WEIGHTS)
    return bfgs(
        lambda theta: loss.at(theta, gradient=False).loss, lambda theta: loss.at(theta).gradient,
        start.parameters, seconds, gradients,
    )  # fmt: skip


def bfgs(
    value: Callable[[np.ndarray], float],
    slope: Callable[[np.ndarray], np.ndarray],
    theta: np.ndarray,
    seconds: float,
    gradients: int,
) -> dict[str, Any]:
    """Run SciPy's BFGS to its end or to a limit; a pair of loss and gradient counts as one."""
    curve: list[tuple[int, float]] = []
    spent = {"gradients": 0, "processor_seconds": 0.0}
    began = time.process_time()

    def watched(theta: np.ndarray) -> float:
        spent["processor_seconds"] = time.process_time() - began
        if spent["processor_seconds"] > seconds or spent["gradients"] >= gradients:
            raise TimeIsUp
        found = value(theta)
        best = min(found, curve[-1][1]) if curve and np.isfinite(found) else found
        curve.append((int(spent["gradients"]), best))
        return found

    def counted(theta: np.ndarray) -> np.ndarray:
        spent["gradients"] += 1
        return slope(theta)

    ended = "ended by itself"
    try:
        minimize(watched, theta, jac=counted, method="BFGS", options={"maxiter": 10**6})
    except TimeIsUp:
        ended = "stopped at its limit"
    return {
        "loss": curve[-1][1], "end": ended, **spent, "first": curve[0][1],
        "curve": curve[:: max(1, len(curve) // 50)],
    }  # fmt: skip


def ours(start: MTP, data: Dataset, target: float, tolerance: float) -> dict[str, Any]:
    """Return our end, and when the loss of the peer was reached, in processor time of one core."""
    theta, began, times = start.parameters, time.process_time(), []
    theta[: len(start.species)] = 0.0  # training sets them to the same values
    result = train(
        start.with_parameters(theta), data, WEIGHTS, threads=1, tolerance=tolerance,
        max_iterations=100,
        progress=lambda *_: times.append(time.process_time() - began),
    )  # fmt: skip
    bare, last = Loss(start, data, WEIGHTS), result.history[-1]
    known = zip(result.history, times[-len(result.history) :], strict=True)
    reached = [t for r, t in known if r.loss <= target and r.frames == len(data)]
    end = bare.at(result.potential.parameters, gradient=False).loss
    if not reached and end <= target:  # only with the prior was it above
        reached = times[-1:]
    return {
        "loss": end,
        "processor_seconds": times[-1],
        "reached": reached[0] if reached else None,
        "gradients": last.gradients, "evaluations": last.evaluations, "matrices": last.matrices,
        "force_rmse": result.errors.force_rmse,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    training_data.add_options(parser, files="+")
    parser.add_argument(
        "--seconds", type=float, default=100.0, help="processor time, limit of BFGS"
    )
    parser.add_argument(
        "--peer-seconds", type=float, default=None, help="the same of motep's, if it differs"
    )
    parser.add_argument("--gradients", type=int, default=1000, help="limit of BFGS over ours")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    data = training_data.read(given)
    start = start_of(data, given.level, given.seed)
    peer = bfgs_of_motep(start, data, given.peer_seconds or given.seconds)
    far = bfgs_of_ours(start, data, given.gradients, given.seconds)
    each = peer["processor_seconds"] / peer["gradients"]
    mine = ours(start, data, far["loss"], given.tolerance)
    report = {
        "data": given.data[0].name, "frames": len(data), "parameters": start.n_parameters,
        "load": os.getloadavg()[0], "motep": peer, "seconds of a gradient of motep": each,
        "BFGS over our gradient": far, "elyte": mine,
    }  # fmt: skip
    motep, reached = each * far["gradients"], mine["reached"] or float("nan")
    print(f"{report['data']}: {len(data)} frames, {start.n_parameters} parameters, first loss "
          f"{far['first']:.4g} (motep says {peer['first']:.4g})\n"
          f"motep BFGS: loss {peer['loss']:.4g} after {peer['gradients']} gradients, "
          f"{each:.2f} s each\n"
          f"BFGS over our gradient: loss {far['loss']:.4g} after {far['gradients']} gradients in "
          f"{far['processor_seconds']:.0f} s, {far['end']}; with motep {motep:.0f} s\n"
          f"elyte: that loss after {reached:.1f} s ({motep / reached:.0f} times less than motep, "
          f"{far['processor_seconds'] / reached:.1f} times less than BFGS over our gradient), "
          f"at the end {mine['loss']:.4g} in {mine['processor_seconds']:.1f} s, "
          f"{mine['matrices']:.1f} matrices, {mine['gradients']:.0f} gradients, "
          f"{mine['evaluations']:.0f} evaluations",
          flush=True)  # fmt: skip
    if given.out:
        given.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
