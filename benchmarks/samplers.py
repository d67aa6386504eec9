"""What each sampler of the start set covers: the pictures of docs/theory/samplers.md.

    python benchmarks/samplers.py --out docs/theory/samplers

One picture a sampler: the energy of its frames against their density (without a box: against the
distance of the nearest atoms of different molecules), and how the distances between atoms of
different molecules are distributed. Energies are those of the classical force field, so that all
samplers can be compared in minutes; grey are the frames of all other samplers. Needs OpenMM,
tblite (for `refined`) and matplotlib.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from numpy.typing import NDArray

from elyte.chemistry.bonds import near_pairs
from elyte.core.frame import Frame
from elyte.reference import EngineSettings
from elyte.reference.classical.field import ClassicalPotential
from elyte.sampling import Request, density_of, sample
from elyte.sampling.registry import FUNCTIONS

COUNTS = {"Li+": 2, "PF6-": 2, "EC": 4}
DENSITY, TEMPERATURE = 1.45, 330.0
REACH = 6.0
BLUE, GREY = "#1f5fa8", "#c8c8c8"


def frames_of(name: str, number: int, time_fs: float) -> list[Frame]:
    """Return the frames of one sampler."""
    engine = EngineSettings(engine="classical", method="OPLS-AA/0.8").as_dict()
    reference = EngineSettings().as_dict()
    number = min(number, 3) if name == "refined" else number
    asked = Request(name, number, COUNTS, DENSITY, TEMPERATURE, 1.0, time_fs, 1, engine, reference)
    return sample(asked).frames


def energies(frames: list[Frame]) -> NDArray[np.float64]:
    """Return the energy of each frame by the force field, eV per atom."""
    potential = ClassicalPotential(0.8, stress="none")
    return np.array([potential.evaluate([f])[0].energy / len(f) for f in frames])


def distances(frame: Frame, reach: float = REACH) -> NDArray[np.float64]:
    """Return the distances between atoms of different molecules, Å."""
    assert frame.molecules is not None
    pairs, r = near_pairs(frame, reach)
    return np.asarray(r[frame.molecules[pairs[:, 0]] != frame.molecules[pairs[:, 1]]])


def draw(name: str, found: dict[str, list[Frame]], energy: dict[str, NDArray], out: Path) -> None:
    """Draw the picture of one sampler."""
    boxed = bool(found[name][0].pbc.all())
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.4), constrained_layout=True)
    for other, frames in found.items():
        if other != name and bool(frames[0].pbc.all()) == boxed:
            left.plot(_across(frames, boxed), energy[other], ".", color=GREY, ms=4)
    left.plot(_across(found[name], boxed), energy[name], "o", color=BLUE, ms=4)
    left.set_xlabel("density (g/cm³)" if boxed else "nearest distance (Å)")
    left.set_ylabel("energy (eV/atom)")
    if boxed:
        left.set_ylim(*_limits(found, energy))
    own = [distances(f) for f in found[name] if len(f) > 1]
    if any(len(r) for r in own):
        edges = np.linspace(1.0, REACH, 51)
        counts, _ = np.histogram(np.concatenate(own), edges)
        right.stairs(counts / len(own), edges, fill=True, color=BLUE)
    right.set_xlabel("between molecules, r (Å)")
    right.set_ylabel("pairs in a frame")
    figure.suptitle(f"{name}: {len(found[name])} frames", fontsize=9)
    figure.savefig(out / f"{name}.png", dpi=90)
    plt.close(figure)


def _across(frames: list[Frame], boxed: bool) -> list[float]:
    if boxed:
        return [density_of(f) for f in frames]
    return [float(distances(f, 12.0).min(initial=12.0)) for f in frames]


def _limits(found: dict[str, list[Frame]], energy: dict[str, NDArray]) -> tuple[float, float]:
    """Return limits that leave out the few highest energies of all boxes."""
    values = np.concatenate([energy[n] for n, f in found.items() if f[0].pbc.all()])
    low, high = values.min(), np.quantile(values, 0.93)
    return low - 0.05 * (high - low), high + 0.1 * (high - low)


def main() -> None:
    """Sample, evaluate, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/theory/samplers"))
    parser.add_argument("--number", type=int, default=16)
    parser.add_argument("--time", type=float, default=3000.0, help="of the dynamics, fs")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Frame]] = {}
    energy: dict[str, NDArray] = {}
    for name in FUNCTIONS:
        if name == "isolated_atoms":
            continue
        begin = time.monotonic()
        found[name] = frames_of(name, arguments.number, arguments.time)
        energy[name] = energies(found[name])
        across = _across(found[name], bool(found[name][0].pbc.all()))
        print(
            f"{name:15s} {len(found[name]):3d} frames, {min(across):.2f}–{max(across):.2f}, "
            f"{energy[name].min():8.3f} … {energy[name].max():8.3f} eV/atom, "
            f"{time.monotonic() - begin:.0f} s",
            flush=True,
        )
    for name in found:
        draw(name, found, energy, arguments.out)


if __name__ == "__main__":
    main()
