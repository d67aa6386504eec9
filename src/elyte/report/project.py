"""From a project folder to the data of its report."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from elyte.analysis import Analysis, SystemDescription, analyse
from elyte.analysis.across import StatePoint, across
from elyte.analysis.recorded import symmetric_tensor
from elyte.analysis.thermo.density import density, density_series
from elyte.analysis.thermo.fluctuations import compressibility
from elyte.chemistry import Recipe, plan_composition, template_bonds
from elyte.chemistry.species import find_species
from elyte.core.frame import LabelledFrame
from elyte.core.progress import Progress, Watcher
from elyte.core.quantity import Quantity
from elyte.core.units import BAR, DENSITY_TO_G_PER_CM3, GPA
from elyte.learning import Project, State
from elyte.learning.hybrid import Hybrid
from elyte.learning.production import ProductionRun, production_runs, write_trajectories
from elyte.learning.start import dispersion
from elyte.learning.state import RoundRecord as LearningRound
from elyte.report.citations import METHODS, cite
from elyte.report.data import CurveData, ParityData, ReportData, RoundRecord, from_analysis
from elyte.report.fields import cloud_from_analysis, map_from_analysis
from elyte.report.pressure import shift_of

MPA = GPA / 1000
VISCOSITY = ("shear viscosity", "Pa s")
PACKAGES = ("elyte", "numpy", "scipy", "ase", "tblite", "dftd3", "rdkit", "packmol")


def collect(state: State, project: Project, recipe: Recipe, watcher: Watcher) -> ReportData:
    """Analyse the production of a run, and put together all that its report shows."""
    runs = production_runs(state, project)
    write_trajectories(runs, project.folder / "production")
    analyses = _analyse(runs, state, watcher)
    together = across([StatePoint(a, t) for t, a in analyses.items()])
    frame = runs[0].trajectory[-1] if runs else None
    names = list(runs[0].species) if runs else []
    return ReportData(
        title=recipe.title,
        subtitle=_subtitle(recipe),
        recipe_text=(project.folder / "recipe.yaml").read_text(),
        realised=_realised(recipe, analyses),
        quantities=[*_quantities(analyses, state), *(together.quantities if analyses else ())],
        curves=[
            *(c for t, a in analyses.items() for c in _curves(a, t)),
            *(from_analysis(c, c.group or c.name) for c in together.curves),
        ],
        maps=[map_from_analysis(m, t) for t, a in analyses.items() for m in a.maps],
        clouds=[cloud_from_analysis(c) for a in list(analyses.values())[:1] for c in a.clouds],
        rounds=[_round(record) for record in state.rounds],
        parity=_parity(state, project),
        frame=frame,
        series=[c for run in runs for c in _series(run)],
        provenance=_provenance(state, recipe),
        warnings=_warnings(state, runs, analyses),
        elapsed=_elapsed(state),
        citations=(*METHODS, *cite(["d3", "d3bj"] if state.settings.dispersion else [])),
        molecule_names=names,
        molecule_charges=[_charge(name) for name in names],
        grade_limits=(state.settings.grade_save, state.settings.grade_stop),
        force_target=state.settings.force_error_target,
    )


def _analyse(
    runs: Sequence[ProductionRun], state: State, watcher: Watcher
) -> dict[float, Analysis]:
    """Analyse the runs of each temperature together: they are independent runs of one system."""
    return {
        temperature: _at_one_temperature(
            [run for run in runs if run.temperature == temperature],
            template_bonds(state.settings.production_counts)
            if state.settings.production_cell is None
            else None,
            watcher.stage(f"analysing {temperature:g} K"),
        )
        for temperature in dict.fromkeys(run.temperature for run in runs)
    }


def _at_one_temperature(
    runs: Sequence[ProductionRun], bonds: NDArray[np.int64] | None, progress: Progress
) -> Analysis:
    """Density comes from the runs at constant pressure, the rest from those at constant volume."""
    reference, temperature = runs[0].reference, runs[0].temperature
    ids = reference.molecules
    system = SystemDescription.from_molecules(
        reference.numbers, np.arange(len(reference)) if ids is None else ids, bonds=bonds
    )
    found = analyse(
        [run.trajectory for run in runs],
        system,
        temperature=temperature,
        ensemble="NVT",
        series=[_recorded(run) for run in runs],
        currents=[_current(run) for run in runs],
        current_timestep=float(np.median(np.diff(runs[0].series["flux_time"]))),
        progress=progress,
    )
    of_the_volume = _of_the_volume(runs)
    replaced = {q.name for q in of_the_volume} | {"density", "isothermal compressibility"}
    others = [q for q in found.quantities if q.name not in replaced]
    return replace(found, quantities=[*of_the_volume, *others])


def _of_the_volume(runs: Sequence[ProductionRun]) -> list[Quantity]:
    """Return density and compressibility; withheld, as the viscosity is, for one molecule.

    It alone was equilibrated without a barostat, at one volume.
    """
    temperature, mass = runs[0].temperature, float(runs[0].reference.masses.sum())
    volumes = [run.equilibration["volume"] for run in runs]
    if all(np.ptp(v) == 0 for v in volumes):
        reason = "one molecule makes no liquid: it was run at the volume of the recipe"
        names = (("density", "g/cm³"), ("isothermal compressibility", "1/GPa"), VISCOSITY)
        return [Quantity.withhold(*n, reason, temperature=temperature) for n in names]
    rho = density([density_series(v, mass) for v in volumes], temperature)
    return [rho, compressibility(volumes, temperature)]


def _recorded(run: ProductionRun) -> dict[str, NDArray[np.float64]]:
    """Return energy, eV, and stress, eV/Å³, along a run, and the time between their rows, fs."""
    s = run.series
    found = {"energy": s["potential"] + s["kinetic"]}
    if "pxx" in s:  # a run of an earlier version has none
        found["stress"] = BAR * symmetric_tensor(s, "p")
        found["timestep"] = np.asarray(np.median(np.diff(s["time"])))
    return found


def _current(run: ProductionRun) -> NDArray[np.float64]:
    """Return the charge current Σ q V, e Å/fs, (samples, 3)."""
    charges = [_charge(name) for name in dict.fromkeys(run.species)]
    return np.asarray(np.einsum("g,tgk->tk", charges, run.series["flux"]))


def _charge(name: str) -> float:
    return float(find_species(name).charge)


def _quantities(analyses: dict[float, Analysis], state: State) -> list[Quantity]:
    errors_ = state.production_errors
    found = [q for a in analyses.values() for q in _with_corrected(a.quantities, errors_)]
    if errors_:
        frames = errors_["frames"]
        method = f"{frames:.0f} frames of the production, labelled again"
        for name, key, unit in (
            ("force error (RMSE)", "force_rmse", "eV/Å"),
            ("energy error (RMSE)", "energy_rmse", "eV/atom"),
        ):
            error = errors_.get(f"{key}_error", math.nan)
            found.append(Quantity(name, errors_[key], error, unit, method, n_effective=frames))
        if math.isfinite(errors_.get("pressure", math.nan)):
            pressure = (errors_["pressure"] / MPA, errors_["pressure_error"] / MPA)
            found.append(
                Quantity("pressure error (mean)", *pressure, "MPa", method, n_effective=frames)
            )
    return found


def _with_corrected(quantities: Sequence[Quantity], errors_: Mapping[str, float]) -> list[Quantity]:
    """Put the density at the reference's pressure after the density, where it is known."""
    shift, found = shift_of(quantities, errors_), []
    for q in quantities:
        found.append(q)
        if shift is not None and q.name == "density" and not q.withheld:
            found.append(shift.corrected(q))
    return found


def _curves(analysis: Analysis, temperature: float) -> list[CurveData]:
    return [from_analysis(c, c.group, temperature) for c in analysis.curves]


def _series(run: ProductionRun) -> list[CurveData]:
    """Return density, temperature and energy along one trajectory, thinned for the page."""
    curves = []
    label = f"run {run.replica + 1}"
    mass = run.reference.masses.sum()
    columns = (
        ("density", "g/cm³", lambda s: mass / s["volume"] * DENSITY_TO_G_PER_CM3),
        ("temperature", "K", lambda s: s["temperature"]),
        ("potential energy", "eV/atom", lambda s: s["potential"] / len(run.reference)),
    )
    for name, unit, column in columns:
        x = np.concatenate([run.equilibration["time"], run.series["time"]]) / 1000
        y = np.concatenate([column(run.equilibration), column(run.series)])
        blocks = max(1, len(x) // 300)
        usable = len(x) // blocks * blocks
        curves.append(
            CurveData(
                name,
                x[:usable].reshape(-1, blocks).mean(axis=1),
                y[:usable].reshape(-1, blocks).mean(axis=1),
                x_unit="ps",
                y_unit=unit,
                label=label,
                temperature=run.temperature,
                group=name,
            )
        )
    return curves


def _round(record: LearningRound) -> RoundRecord:
    def known(value: float) -> float | None:
        return value if math.isfinite(value) else None

    seconds = record.seconds
    return RoundRecord(
        index=record.index,
        labels_total=record.labels,
        labels_new=record.new_labels,
        force_rmse_train=known(record.train_force_rmse),
        force_rmse_validation=known(record.own_force_rmse),
        energy_rmse=known(record.own_energy_rmse),
        max_grade=known(record.max_grade),
        trajectories_stopped=record.stopped,
        seconds_label=seconds.get("label", 0.0),
        seconds_train=seconds.get("train", 0.0),
        seconds_explore=seconds.get("explore", 0.0),
        note=record.note,
        trajectories=record.trajectories,
        labels_quarantined=record.quarantined,
    )


def _parity(state: State, project: Project) -> list[ParityData]:
    """Compare reference and potential on frames of the production that were labelled again."""
    if not state.relabelled:
        return []
    hybrid = Hybrid.of(vars(state.settings))
    data = hybrid.totals(project.labelled(list(state.relabelled)), project)
    predicted = hybrid.model(project.potential(state.potential)).evaluate(data.frames)
    atoms = np.array([len(frame) for frame in data.frames])
    energies = np.array([item.labels.energy for item in data]) / atoms
    elements = [s for frame in data.frames for s in np.repeat(frame.symbols, 3)]
    note = f"{len(data)} frames of the production"
    return [
        ParityData(
            "forces",
            np.concatenate([_forces(item).ravel() for item in data]),
            np.concatenate([p.forces.ravel() for p in predicted]),
            "eV/Å",
            elements,
            note,
        ),
        ParityData(
            "energies",
            energies - energies.mean(),
            np.array([p.energy for p in predicted]) / atoms - energies.mean(),
            "eV/atom",
            note=f"{note}, from the mean of the reference",
        ),
    ]


def _forces(item: LabelledFrame) -> NDArray[np.float64]:
    assert item.labels.forces is not None  # the firewall lets no label pass without forces
    return item.labels.forces


def _subtitle(recipe: Recipe) -> str:
    temperatures = ", ".join(f"{t:g}" for t in recipe.temperatures)
    reference = recipe.reference
    return (
        f"{temperatures} K, {recipe.pressure:g} bar; moment tensor potential of level "
        f"{recipe.potential.level}, trained on {reference.method} ({reference.name})"
        f"{_dispersion(recipe)}"
    )


def _dispersion(recipe: Recipe) -> str:
    """Say in a few words what became of the dispersion; nothing where it was left alone."""
    chosen = recipe.dispersion
    hybrid = Hybrid.of({"dispersion": dispersion(recipe)})
    if hybrid.is_trivial or hybrid.settings is None:
        return ""
    name = hybrid.settings.name
    out = f", from whose labels {name} was taken out"
    return {
        "added": f"{out} and is added at run time"
        if hybrid.in_labels
        else f", with {name} added at run time",
        "learned": f", to whose labels {name} was added",
        "omitted": out,
    }[chosen.potential]


def _realised(recipe: Recipe, analyses: dict[float, Analysis]) -> list[tuple[str, str]]:
    composition = plan_composition(recipe)
    box = composition.production
    rows = [
        ("production box", f"{box} ({box.atoms} atoms)"),
        ("labelled box", f"{composition.label} ({composition.label.atoms} atoms)"),
    ]
    rows += [(f"mole fraction of {n}", f"{x:.4f}") for n, x in box.mole_fractions.items()]
    rows += [(f"molality of {n}", f"{b:.3f} mol/kg") for n, b in box.molality.items()]
    for temperature, analysis in analyses.items():
        found = analysis.find("density")
        if not math.isfinite(found.value):
            continue
        volume = box.mass * DENSITY_TO_G_PER_CM3 / found.value  # Å³
        for name, molarity in box.molarity.items():
            realised = molarity * box.volume / volume
            rows.append((f"{name} at {temperature:g} K, realised", f"{realised:.3f} mol/L"))
    return rows


def _unconverged(state: State) -> str:
    """Say why learning ended, and which numbers of the recipe would let it go on."""
    settings = state.settings
    budgets = [
        ("rounds", state.round, settings.max_rounds),
        ("labels", len(state.training), settings.max_labels),
    ]
    numbers = [f"learning.max_{name} ({most})" for name, used, most in budgets if used >= most]
    if "above the target" in state.finished_learning:
        target = 1000 * settings.force_error_target
        numbers.append(f"learning.force_error_target ({target:g} meV/Å)")
    return (
        f"Learning did not converge fully; {state.finished_learning}. Larger numbers let it go on: "
        f"{', '.join(numbers)}."
    )


def _warnings(
    state: State, runs: Sequence[ProductionRun], analyses: dict[float, Analysis]
) -> list[str]:
    lines = list(state.messages)
    if state.finished_learning and not state.finished_learning.startswith("converged"):
        lines.append(_unconverged(state))
    if state.quarantined:
        lines.append(
            f"{len(state.quarantined)} labels were refused: "
            + "; ".join(line.split(": ", 1)[1] for line in state.quarantined[:3])
        )
    for run in runs:
        if run.extrapolating > 0:
            lines.append(
                f"{run.temperature:g} K, run {run.replica + 1}: {run.extrapolating:.1%} of the "
                f"graded frames extrapolate (largest grade {run.largest_grade:.3g})."
            )
    for temperature, analysis in analyses.items():
        shift = shift_of(analysis.quantities, state.production_errors)
        words = [*analysis.warnings, shift.warning() if shift is not None else ""]
        lines += [f"{temperature:g} K: {x}" for x in words if x]
    return lines


def _elapsed(state: State) -> list[tuple[str, float]]:
    """Return the wall time of each kind of work of the learning; the production's is not kept."""
    totals: dict[str, float] = {}
    for record in state.rounds:
        for name, seconds in record.seconds.items():
            stage = f"learning: {name}"
            totals[stage] = totals.get(stage, 0.0) + seconds
    return list(totals.items())


def _provenance(state: State, recipe: Recipe) -> list[tuple[str, str]]:
    rows = [("seed", str(state.settings.seed)), ("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            continue
    rows.append(("potential", f"MTP level {recipe.potential.level}, {recipe.potential.cutoff:g} Å"))
    rows.append(("labels", str(len(state.training))))
    if words := _dispersion(recipe):
        rows.append(("dispersion", words.removeprefix(", ")))
    return rows
