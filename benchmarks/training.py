"""Cost and course of training: `python benchmarks/training.py [DATA ...] [--level 16]`.

First the parts, per atom on one core: energies and forces, the loss with its gradient, rows of the
Jacobian, and the Gauss–Newton matrix. Then trainings: from several random starts, from an earlier
potential, and by plain BFGS (SciPy's, on the same loss and gradients) for comparison. Without DATA
a liquid-like set is labelled by a random potential of a higher level. One JSON object and a table.

Times mean something only where nothing else uses the cores; counts of gradients always do.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import training_data
from scipy.optimize import minimize

from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.derivatives import FrameSet, instruction_sets
from elyte.potentials.mtp.loss import Loss
from elyte.potentials.mtp.training import Record, TrainingResult, smallest_distance, train


def made_set(count: int, atoms: int = 60) -> Dataset:
    """Return disturbed lattices labelled by a random potential of level 12."""
    random = np.random.default_rng(0)
    species = (1, 6, 8)
    source = MTP.initial(12, species, 5.0, 1.2, 8, seed=11)
    source = source.with_parameters(random.normal(scale=0.1, size=source.n_parameters))
    frames = []
    for _ in range(count):
        edge, side = (atoms / 0.1) ** (1 / 3), int(np.ceil(atoms ** (1 / 3)))
        sites = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)
        positions = random.permutation(sites)[:atoms] * edge / side
        positions = positions + random.normal(0, 0.12, (atoms, 3))
        frames.append(
            Frame(random.choice(species, atoms), positions, edge * np.eye(3), np.ones(3, bool))
        )
    found = source.evaluate(frames)
    return Dataset(
        LabelledFrame(f, Labels(e.energy, e.forces, e.stress))
        for f, e in zip(frames, found, strict=True)
    )


def microseconds_per_atom(call: Callable[[], Any], atoms: int, repeats: int = 3) -> float:
    """Return the least processor time of some calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e6 * min(times) / atoms


def parts(mtp: MTP, data: Dataset, isa: str) -> dict[str, Any]:
    """Return the cost of each pass, µs per atom on one core."""
    loss = Loss(mtp, data)
    loss.set = _same_targets(mtp, data, loss, isa)
    theta, atoms = mtp.parameters, int(loss.set.sizes.sum())
    count = sum(loss.set.native.rows(k) for k in range(len(loss)))
    rows, residuals = np.empty((count, mtp.n_parameters), np.float32), np.empty(count)
    calls: dict[str, Callable[[], Any]] = {
        "energy and forces, with neighbours": lambda: mtp.evaluate(data.frames),
        "energy and forces": lambda: loss.set.evaluate(theta),
        "loss and gradient": lambda: loss.at(theta),
        "rows of the Jacobian": lambda: loss.set.native.jacobian(
            theta, loss.set.all, rows, residuals, 1
        ),
        "Gauss-Newton matrix": lambda: loss.normal_sum(theta, np.arange(len(loss))),
    }
    cost = {name: round(microseconds_per_atom(call, atoms), 2) for name, call in calls.items()}
    return {"isa": isa, "parameters": mtp.n_parameters, **cost}


def _same_targets(mtp: MTP, data: Dataset, loss: Loss, isa: str) -> FrameSet:
    frames = FrameSet(mtp.native_arrays(), data.frames, isa)
    for k, item in enumerate(data):
        forces = np.zeros((len(item.frame), 3))
        frames.native.set_target(k, item.labels.energy, forces, np.zeros((3, 3)), loss.weights[k])
    return frames


@dataclass(frozen=True)
class Cost:
    """Of a gradient, in energies and forces with neighbours, and of a matrix, in gradients."""

    gradient: float
    matrix: float


def in_gradients(record: Record, cost: Cost) -> float:
    """Return all work so far in gradients; a bare evaluation is half of one."""
    return record.gradients + 0.5 * record.evaluations + cost.matrix * record.matrices


def summary(name: str, result: TrainingResult, cost: Cost) -> dict[str, Any]:
    """Return the end of a training, and when it came within 5 % of its last loss.

    Args:
        name: of the row.
        result: the training.
        cost: in which its work is counted.
    """
    last = result.history[-1]
    whole = [r for r in result.history if r.frames == last.frames]
    near = next(r for r in whole if r.loss <= 1.05 * last.loss)
    return {
        "training": name,
        "loss": last.loss,
        "force_rmse": result.errors.force_rmse,
        "energy_rmse": result.errors.energy_rmse,
        "within 5 %": _work(near, cost),
        "at the end": _work(last, cost),
        "curve": [
            [in_gradients(r, cost), r.frames, r.seconds, r.loss, r.force_rmse]
            for r in result.history
        ],
    }


def _work(record: Record, cost: Cost) -> dict[str, float]:
    counted = {k: asdict(record)[k] for k in ("matrices", "gradients", "evaluations", "seconds")}
    gradients = in_gradients(record, cost)
    whole = {"in gradients": gradients, "in energies and forces": cost.gradient * gradients}
    return {k: round(v, 1) for k, v in (whole | counted).items()}


def spread(losses: list[float]) -> dict[str, float]:
    """Return the range and the standard deviation of the final losses, relative to their mean."""
    mean = float(np.mean(losses))
    return {
        "range": float(np.ptp(losses)) / mean,
        "deviation": float(np.std(losses, ddof=1)) / mean,
    }


def plain_bfgs(mtp: MTP, data: Dataset, gradients: int, threads: int) -> dict[str, Any]:
    """Return what L-BFGS reaches with so many gradients from the same start."""
    loss = Loss(mtp, data, threads=threads)
    start = time.perf_counter()

    def value_and_slope(theta: np.ndarray) -> tuple[float, np.ndarray]:
        point = loss.at(theta)
        return point.loss, point.gradient

    theta = mtp.parameters
    theta[: loss.n_species] = np.mean([x.labels.energy / len(x.frame) for x in data])
    options = {"maxfun": gradients, "maxiter": gradients, "maxcor": 50, "ftol": 0.0}
    end = minimize(value_and_slope, theta, jac=True, method="L-BFGS-B", options=options)
    squares = loss.at(end.x).squares
    return {
        "training": f"L-BFGS, {end.nfev} gradients",
        "loss": float(end.fun),
        "force_rmse": float(np.sqrt(squares[:, 1].sum() / loss.set.sizes.sum() / 3)),
        "at the end": {"gradients": int(end.nfev), "seconds": time.perf_counter() - start},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    training_data.add_options(parser, files="*")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--warm", type=int, default=20, help="frames added for the warm start")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--tolerance", type=float, default=2e-3)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    data = training_data.read(given) if given.data else made_set(60)
    shortest = round(0.95 * smallest_distance(data.frames), 3)
    starts = [
        MTP.initial(given.level, data.species, 5.0, shortest, seed=k) for k in range(given.starts)
    ]
    table = [parts(starts[0], data[:8], isa) for isa in instruction_sets()]
    for row in table:
        print("  ".join(f"{k}: {v}" for k, v in row.items()))
    matrix = table[0]["Gauss-Newton matrix"] / table[0]["loss and gradient"]
    kernel = table[0]["loss and gradient"] / table[0]["energy and forces, with neighbours"]
    print(f"a gradient: {kernel:.2f} energies and forces; a matrix: {matrix:.1f} gradients")
    cost = Cost(kernel, matrix)
    options = {
        "threads": given.threads, "max_seconds": given.seconds, "tolerance": given.tolerance,
    }  # fmt: skip
    part = data[: max(1, len(data) - given.warm)]
    runs = [(f"cold, start {k}", train(mtp, part, **options)) for k, mtp in enumerate(starts)]
    runs.append(("warm", train(runs[0][1].potential, data, **options)))
    results = [summary(name, result, cost) for name, result in runs]
    results.append(plain_bfgs(starts[0], part, 400, given.threads))
    for row in results:
        print(f"{row['training']}: loss {row['loss']:.4g}, forces {1000 * row['force_rmse']:.1f} "
              f"meV/Å; end {row['at the end']}, within 5 % {row.get('within 5 %')}")  # fmt: skip
    if given.starts > 1:
        apart = spread([row["loss"] for row in results[: given.starts]])
        print(f"final losses of {given.starts} starts: {apart['range']:.1%} between the extremes, "
              f"standard deviation {apart['deviation']:.1%}")  # fmt: skip
    named = given.data[0].stem if given.data else "made"
    report = {
        "data": named, "frames": len(data), "load": os.getloadavg()[0], "parts": table,
        "cost": asdict(cost), "runs": results,
    }  # fmt: skip
    if given.out:
        given.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
