"""Is the selection worth it? As many labels as a run used, but chosen at random.

    python benchmarks/random_selection.py PROJECT [--more OTHER_PROJECT ...]

Takes a finished project and as many labelled random packings as it has labels in its training set
(different packings, scaled and rattled: the start sets of this and of other projects of the same
recipe, and new ones for what is missing), trains a potential of the same kind on them, and compares
both on the frames of the project's own production that were labelled again. It also runs both
from the same packings and counts the trajectories that survive.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from elyte.chemistry import BondWatch, Recipe, pack_box, scaled_and_rattled
from elyte.core.frame import Dataset, Frame, LabelledFrame
from elyte.dynamics import DecompositionWatch, HeatWatch, RunSettings, relax, simulate
from elyte.learning import Project, Settings, start
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.training import Weights, train
from elyte.reference import EngineSettings, isolated_atom_energies, label_frames
from elyte.validation.errors import errors
from elyte.workflow import Ledger


def start_sets(projects: list[Path]) -> Dataset:
    """Return the labelled start sets of projects: random packings all of them."""
    found: list[LabelledFrame] = []
    for project in projects:
        with Ledger(project / "ledger", writable=False) as ledger:
            found += ledger.dataset(config_type="start")
    return Dataset(found)


def random_frames(settings: Settings, count: int) -> list[Frame]:
    """Return random packings over the start set's ranges of density, scale and rattle."""
    rng = np.random.default_rng(settings.seed + 1)
    frames = []
    for index in range(count):
        counts = settings.label_counts[index % 4 == 0 and len(settings.label_counts) > 1]
        density = settings.density * rng.uniform(*settings.start_densities)
        box = pack_box(counts, density, seed=100_000 + index)
        scale, rattle = rng.uniform(*settings.start_scale), rng.uniform(*settings.start_rattle)
        frames.append(scaled_and_rattled(box, scale, rattle, seed=index))
    return frames


def survivors(potential: MTP, settings: Settings, picoseconds: float) -> tuple[int, int]:
    """Return (survived, run): trajectories from four unseen packings at 300–500 K."""
    good = 0
    for seed in range(4):
        frame = pack_box(settings.label_counts[0], 0.9 * settings.density, seed=900_000 + seed)
        run = simulate(
            relax(frame, potential, force_limit=1.5, steps=60).frame,
            potential,
            RunSettings(
                ensemble="NVT" if seed % 2 else "NPT",
                temperature=(300.0, 400.0, 450.0, 500.0)[seed],
                steps=round(1000 * picoseconds),
                max_force=40.0,
            ),
            seed=seed,
            stop_rules=(DecompositionWatch(BondWatch(frame), every=100), HeatWatch()),
        )
        good += run.outcome.done
    return good, 4


def main() -> None:
    """Compare, print a table, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--more", type=Path, nargs="*", default=[])
    parser.add_argument("--picoseconds", type=float, default=20.0)
    chosen = parser.parse_args()
    status = json.loads((chosen.project / "status.json").read_text())
    settings = start.settings(Recipe.load(chosen.project / "recipe.yaml"))
    engine = EngineSettings.from_mapping(settings.engine)
    with Project(chosen.project) as project:
        learnt = project.potential(status["potential"])
        test = project.labelled(status["relabelled"])
    count = len(status["training"])
    data = start_sets([chosen.project, *chosen.more])[:count]
    with Ledger(chosen.project / "random-ledger") as ledger:
        new = label_frames(random_frames(settings, count - len(data)), engine, ledger)
        data = data + [item for item in new if isinstance(item, LabelledFrame)]
        atoms = isolated_atom_energies(data.species, engine, ledger)
    fresh = MTP.initial(
        settings.level, learnt.species, settings.cutoff, learnt.min_distance, seed=settings.seed
    )
    result = train(fresh, data, Weights(**settings.weights), isolated_atoms=atoms, max_seconds=120)
    table = Table("labels chosen", "labels", "F RMSE, meV/Å", "E RMSE, meV/atom", "survived")
    report = {}
    for name, potential, labels_ in (
        ("by MaxVol", learnt, count),
        ("at random", result.potential, len(data)),
    ):
        found = errors(potential, test)
        good, tried = survivors(potential, settings, chosen.picoseconds)
        force, energy = 1000 * found.force_rmse, 1000 * found.energy_rmse
        table.add_row(name, str(labels_), f"{force:.0f}", f"{energy:.1f}", f"{good}/{tried}")
        report[name] = {"labels": labels_, "force": force, "energy": energy, "survived": good}
    Console().print(table)
    output = Path(__file__).parent / "results" / "random_selection.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
