"""All limits in one run: `python benchmarks/limits.py [--set "DATA --level 12" ...] [--motep …]`.

Runs the benchmarks that have a goal one after the other, each in a process of its own, and prints
one table of the goals and of what was measured. Data are not part of the project, so trainings are
named by what their scripts are called with: `--set` as for training.py, `--peer` as for
training_peer.py, `--drift` as for nve_drift.py, each as often as wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memory import ALLOWED
from training import spread

from dynamics import GRADE_LIMIT, LIMITS
from elyte.potentials.mtp.derivatives import instruction_sets

HERE = Path(__file__).parent
RESULTS = HERE / "results"
LEVELS = {8: 20, 16: 40, 20: 25}  # how many times faster than motep
LEAST_OF_PEAK, LEAST_OF_SINGLE, LEAST_OF_THREADS = 0.35, 1.4, 1.9
MOST_OF_LISTS, MOST_OF_GRADIENT = 0.20, 4.0
MOST_COLD, MOST_WARM, MOST_SPREAD = 400, 120, 0.10
LEAST_OF_PEER, MOST_SECONDS_OF_SELECTION, MOST_DRIFT = 20, 10.0, 2.0


@dataclass(frozen=True)
class Row:
    """One goal, what was measured, and whether the one meets the other."""

    work: str
    goal: str
    measured: str
    met: bool


def at_least(work: str, value: float, limit: float, form: str = "{:.2f}", unit: str = "") -> Row:
    """Return the row of a value that is to be large."""
    return Row(work, f"≥ {limit:g}{unit}", form.format(value) + unit, value >= limit)


def at_most(work: str, value: float, limit: float, form: str = "{:.2f}", unit: str = "") -> Row:
    """Return the row of a value that is to be small."""
    return Row(work, f"≤ {limit:g}{unit}", form.format(value) + unit, value <= limit)


def share(work: str, value: float, limit: float) -> Row:
    """Return the row of a part that is to be small."""
    return at_most(work, 100 * value, 100 * limit, "{:.1f}", " %")


def of_kernel(report: dict[str, Any]) -> Iterator[Row]:
    """Energies, forces and stress of the standard box."""
    rows = report["rows"]
    each = {(r["code"], r["level"], r["threads"]): r for r in rows}
    double, single = (f"elyte ({instruction_sets()[0]}, {p})" for p in ("double", "single"))
    for level in sorted({r["level"] for r in rows} - {0}):
        own, name = each[double, level, 1], f"level {level}"
        peers = [r["us_per_atom"] for r in rows if "motep" in r["code"] and r["level"] == level]
        if peers and level in LEVELS:
            times = min(peers) / own["us_per_atom"]
            yield at_least(f"{name}: × motep, the faster build", times, LEVELS[level], "{:.0f}")
        yield at_least(
            f"{name}: of the multiply-add peak", own["share_of_peak"], LEAST_OF_PEAK, "{:.2f}"
        )
        if level >= 16:
            faster = own["us_per_atom"] / each[single, level, 1]["us_per_atom"]
            yield at_least(f"{name}: single × double", faster, LEAST_OF_SINGLE)
        for code, what in ((double, "1000 atoms"), ("64 boxes of 100", "64 boxes of 100")):
            one, two = (each[code, level, n]["us_per_atom"] for n in (1, 2))
            yield at_least(f"{name}: two threads × one, {what}", one / two, LEAST_OF_THREADS)
        yield share(f"{name}: list and filter", own["list_and_filter"], MOST_OF_LISTS)
    classical = [r["us_per_atom"] for r in rows if r["code"].startswith("OpenMM")]
    if classical and (double, 16, 1) in each:
        own = each[double, 16, 1]["us_per_atom"]
        yield at_most("level 16: µs per atom, OpenMM's as the goal", own, round(classical[0], 2))


def of_dynamics(report: dict[str, Any]) -> Iterator[Row]:
    """The loop around the forces, and grades at every step."""
    for atoms, limit in LIMITS.items():
        most = max(r["of_level_8"] for r in report["loop"] if r["atoms"] == atoms)
        yield share(f"dynamics, {atoms} atoms: above the forces, the dearest", most, limit)
    for row in report["grades"]:
        work = f"grades, {row['mode']}, {row['atoms']} atoms: above a step"
        yield share(work, row["share"]["every step"], GRADE_LIMIT)


def of_memory(report: dict[str, Any]) -> Iterator[Row]:
    """A long run."""
    picoseconds = report["rows"][-1][0]
    work = f"memory, {picoseconds:.0f} ps of {report['atoms']} atoms: growth, MiB"
    yield at_most(work, report["growth_mib"], ALLOWED, "{:.3f}")


def of_drift(report: dict[str, Any]) -> Iterator[Row]:
    """Energy conservation in single precision."""
    each = {row["precision"]: row for row in report["rows"]}
    single, double = (abs(each[k]["drift"]) for k in ("single", "double"))
    error = max(row["error"] for row in report["rows"])
    met = single <= MOST_DRIFT * double + 2 * error
    measured = f"{single:.4f} and {double:.4f} ± {error:.4f}"
    yield Row("drift in NVE, single and double", f"≤ {MOST_DRIFT:g} ×", measured, met)


def of_selection(report: dict[str, Any]) -> Iterator[Row]:
    """MaxVol."""
    for row in report["rows"]:
        if row["run"].startswith("10 000") and row["work"] == "select, no limit":
            work = "MaxVol, 10 000 candidates, 651 parameters: seconds"
            yield at_most(work, row["seconds"], MOST_SECONDS_OF_SELECTION, "{:.1f}")


def of_training(report: dict[str, Any]) -> Iterator[Row]:
    """Cold starts and a warm one."""
    name, gradient = report["data"], report["cost"]["gradient"]
    yield at_most(f"{name}: a gradient, in energies and forces", gradient, MOST_OF_GRADIENT)
    cold = [r["within 5 %"] for r in report["runs"] if r["training"].startswith("cold")]
    warm = next(r["within 5 %"] for r in report["runs"] if r["training"] == "warm")
    for kind, works, limit in (("cold", cold, MOST_COLD), ("warm", [warm], MOST_WARM)):
        for key, most, what in (
            ("gradients", limit, "gradients evaluated"),
            (
                "in gradients",
                limit,
                "the same, and each matrix as the gradients that take its time",
            ),
            ("in energies and forces", MOST_OF_GRADIENT * limit, "all in energies and forces"),
        ):
            values = [work[key] for work in works]
            measured = f"{min(values):.0f}–{max(values):.0f}"
            yield Row(f"{name}, {kind}: {what}", f"≤ {most:g}", measured, max(values) <= most)
    losses = [r["loss"] for r in report["runs"] if r["training"].startswith("cold")]
    yield share(f"{name}: spread of {len(losses)} starts", spread(losses)["range"], MOST_SPREAD)


def of_peer(report: dict[str, Any]) -> Iterator[Row]:
    """Against motep's BFGS."""
    name, mine, far = report["data"], report["elyte"], report["BFGS over our gradient"]
    motep = report["seconds of a gradient of motep"] * far["gradients"]
    times = motep / mine["reached"] if mine["reached"] else 0.0
    yield at_least(f"{name}: × motep's BFGS to its loss", times, LEAST_OF_PEER, "{:.0f}")
    goal = f"< {far['loss']:.4g}"
    yield Row(f"{name}: final loss", goal, f"{mine['loss']:.4g}", mine["loss"] < far["loss"])


def call(script: str, *arguments: str) -> None:
    """Run a benchmark; its return value, which says whether its own limits hold, is left."""
    print(f"\n== {script} {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, str(HERE / script), *arguments], check=False, cwd=HERE.parent)


def read(name: str, rows: Callable[[dict[str, Any]], Iterator[Row]]) -> Iterator[Row]:
    """Return the rows of what a benchmark has written, or one that says that it failed."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return iter([Row(f"{name} (it says above why)", "", "failed", False)])
    return rows(json.loads(path.read_text()))


def measure(given: argparse.Namespace) -> Iterator[Row]:
    """Run everything and return the rows."""
    trainings = ("--tolerance", "1e-2", "--starts", "5", "--threads", "1")
    plan: list[tuple[str, str, list[str], Any]] = [
        ("mtp_kernel", "mtp_kernel.py", [*kernel_options(given)], of_kernel),
        ("dynamics", "dynamics.py", [], of_dynamics),
        ("maxvol", "maxvol.py", [], of_selection),
        ("memory", "memory.py", [], of_memory),
    ]
    plan += [("nve_drift", "nve_drift.py", shlex.split(x), of_drift) for x in given.drift]
    for kind, script, more, rows in (
        ("set", "training.py", trainings, of_training),
        ("peer", "training_peer.py", (), of_peer),
    ):
        for number, arguments in enumerate(getattr(given, kind)):
            name = f"limits_{kind}_{number}"
            out = ["--out", str(RESULTS / f"{name}.json")]
            plan.append((name, script, [*shlex.split(arguments), *more, *out], rows))
    RESULTS.mkdir(exist_ok=True)
    for name, script, arguments, rows in plan:
        if name not in given.keep:
            (RESULTS / f"{name}.json").unlink(missing_ok=True)
            call(script, *arguments)
        yield from read(name, rows)


def kernel_options(given: argparse.Namespace) -> list[str]:
    """Return what the kernel's benchmark is called with: the fastest instruction set only."""
    options = ["--levels", "8", "16", "20", "24", "--isa", instruction_sets()[0]]
    return [*options, "--motep", *given.motep] if given.motep else options


def main() -> None:
    """Measure, print the table, and keep it as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for kind in ("set", "peer", "drift"):
        parser.add_argument(f"--{kind}", action="append", default=[], metavar="ARGUMENTS")
    parser.add_argument("--motep", nargs="*", default=None, metavar="NAME=FOLDER")
    parser.add_argument(
        "--keep", nargs="*", default=[], metavar="NAME",
        help="take the last results of these (memory, …) instead of running them again",
    )  # fmt: skip
    given = parser.parse_args()
    load = os.getloadavg()[0]
    rows = list(measure(given))
    print(f"\nload {load:.1f} at the beginning on {os.cpu_count()} cores")
    width = max(len(row.work) for row in rows)
    for row in rows:
        mark = "" if row.met else "  missed"
        print(f"{row.work:<{width}}  {row.goal:>9}  {row.measured:>12}{mark}")
    print(f"{sum(row.met for row in rows)} of {len(rows)} goals met")
    report = {"load": load, "rows": [asdict(row) for row in rows]}
    (RESULTS / "limits.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
