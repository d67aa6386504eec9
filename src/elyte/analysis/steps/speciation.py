"""Denticity, clusters, networks, lifetimes and a Markov model of the surroundings of ions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.maps import Map
from elyte.analysis.observation import Observation
from elyte.analysis.speciation.lifetimes import pair_existence, pair_lifetime
from elyte.analysis.speciation.markov import (
    MarkovModel,
    implied_time_scale,
    markov_model,
    time_scales_over_lags,
)
from elyte.analysis.speciation.multidentate import denticity
from elyte.analysis.speciation.networks import (
    cluster_populations,
    mean_network_size,
    network_sizes,
    networks,
)
from elyte.analysis.speciation.shells import STATES, contacts, pair_states
from elyte.analysis.steps.context import Context, Findings
from elyte.analysis.structure.solvation import Solvation
from elyte.core.quantity import Quantity

Counts = NDArray[np.int64]

LIFETIMES = "Pair existence autocorrelations"
_LAGS = 8  # lag times at which implied time scales are shown
_LONGEST_LAG = 0.1  # of the run
_MOST_PROCESSES = 3


def speciation_step(context: Context) -> Findings:
    """Denticity of ligands, clusters of anions around ions, networks by bridging molecules."""
    found = Findings()
    kelvin = context.temperature
    for around in context.solvations:
        name = around.cation.name
        for ligand, bound in around.ligands.items():
            quantity, curve = denticity(bound, f"{name}–{ligand}", kelvin)
            found += Findings([quantity], [curve])
        counts = anion_counts(context, around, context.runs)
        if counts:
            found += Findings(_clusters(context, name, counts), [])
        found += _networks(around, kelvin)
    return found


def _clusters(context: Context, name: str, counts: Sequence[Counts]) -> list[Quantity]:
    label = f"{name}, {context.options.cluster_radius:g} Å,"
    return cluster_populations(counts, label, context.temperature)


def anion_counts(context: Context, around: Solvation, runs: Sequence[Observation]) -> list[Counts]:
    """Return the number of anions whose centre is near each ion, (frames, ions) each run."""
    anions = [g.molecules for g in context.system.species if g.charge < 0]
    if not anions:
        return []
    which = np.concatenate(anions)
    owner = np.arange(len(which))
    at = around.cation.molecules  # of a monatomic cation its centre is the atom
    radius = context.options.cluster_radius
    return [
        contacts(o.places[:, at], o.places[:, which], owner, o.cells, radius).counts for o in runs
    ]


def _networks(around: Solvation, kelvin: float | None) -> Findings:
    """Networks by all bridging molecules, and by those of each species."""
    found = Findings()
    kinds = {"all ligands": list(around.ligands)} if len(around.ligands) > 1 else {}
    kinds |= {name: [name] for name in around.ligands}
    for label, names in kinds.items():
        runs = [
            networks(*(around.ligands[n][k] for n in names)) for k in range(len(around.centres))
        ]
        species = f"{around.cation.name} by {label}"
        found += Findings(
            [mean_network_size(runs, species, kelvin)], [network_sizes(runs, species)]
        )
    return found


def lifetimes_step(context: Context) -> Findings:
    """Lifetimes of pairs and of SSIP, CIP and AGG."""
    found = Findings()
    if context.no_dynamics:
        return Findings(
            [
                Quantity.withhold(
                    "pair lifetime", "ps", context.no_dynamics, species=g.name,
                    temperature=context.temperature,
                )
                for g in context.centres
            ]
        )  # fmt: skip
    for around in context.timed_solvations:
        for ligand in around.ligands:
            found += _pair_lifetimes(context, around, ligand)
        if around.anions:
            found += _state_lifetimes(context, around)
    return found


def _pair_lifetimes(context: Context, around: Solvation, ligand: str) -> Findings:
    bound = around.ligands[ligand]
    existence = [pair_existence(b) for b in bound]
    possible = bound[0].centres * bound[0].ligands
    found = Findings()
    for kind in ("continuous", "intermittent"):
        quantity, curve = pair_lifetime(
            [h for h, _ in existence],
            context.timestep,
            kind,  # type: ignore[arg-type]
            [ions for _, ions in existence],
            possible,
            f"{around.cation.name}–{ligand}",
            context.temperature,
        )
        found += Findings([quantity], [_in_group(curve)])
    return found


def _state_lifetimes(context: Context, around: Solvation) -> Findings:
    states = [pair_states(c) for c in around.anion_contacts]
    quantities, curves = [], []
    for k, name in enumerate(STATES):
        quantity, curve = pair_lifetime(
            [s == k for s in states],
            context.timestep,
            "continuous",
            species=f"{around.cation.name} {name}",
            temperature=context.temperature,
        )
        quantities.append(Quantity(**{**quantity.__dict__, "name": "continuous lifetime of state"}))
        curves.append(_in_group(curve))
    return Findings(quantities, curves)


def _in_group(curve: Curve) -> Curve:
    return Curve(**{**curve.__dict__, "group": LIFETIMES})


def markov_step(context: Context) -> Findings:
    """Markov state model of the number of anions around each ion."""
    found = Findings()
    if context.no_dynamics or not any(g.charge < 0 for g in context.system.species):
        return found
    for around in context.timed_solvations:
        counts = anion_counts(context, around, context.timed)
        present = np.unique(np.concatenate([c.ravel() for c in counts]))
        if len(present) < 2 or min(map(len, counts)) < 20:
            reason = "only one state" if len(present) < 2 else "fewer than 20 frames"
            found += Findings([_no_scale(around.cation.name, reason, context)])
            continue
        states = [np.searchsorted(present, c) for c in counts]
        names = [f"{n} anion{'' if n == 1 else 's'}" for n in present]
        found += _model(context, around.cation.name, states, names)
    return found


def _no_scale(species: str, reason: str, context: Context) -> Quantity:
    return Quantity.withhold(
        "implied time scale", "ps", reason, species=species, temperature=context.temperature
    )


def _model(
    context: Context, species: str, states: Sequence[Counts], names: Sequence[str]
) -> Findings:
    longest = max(int(min(map(len, states)) * _LONGEST_LAG), 1)
    lags = np.unique(np.geomspace(1, longest, _LAGS).round().astype(int)).tolist()
    processes = range(1, min(len(names) - 1, _MOST_PROCESSES) + 1)
    curves = [time_scales_over_lags(states, context.timestep, lags, k) for k in processes]
    lag = _settled(curves[0], lags)
    model = markov_model(states, context.timestep, lag or lags[-1], names)
    quantities = []
    for k in processes:
        scale = implied_time_scale(model, k)
        if lag is None and not scale.withheld:
            reason = "it still depends on the lag: the states alone do not tell what comes next"
            scale = Quantity.withhold("implied time scale", "ps", reason, details=scale.details)
        changes = {"species": f"{species}, process {k}", "temperature": context.temperature}
        quantities.append(Quantity(**{**scale.__dict__, **changes}))
    labelled = [
        Curve(**{**c.__dict__, "label": f"{species}, {c.label}", "species": species})
        for c in curves
        if np.isfinite(c.y).any()
    ]
    return Findings(quantities, labelled, [_matrix(model, species)])


def _settled(curve: Curve, lags: Sequence[int]) -> int | None:
    """Return the shortest lag from which the slowest time scale agrees with all longer ones."""
    y, error = curve.y, curve.y_error
    assert error is not None  # implied time scales come with errors
    known = np.flatnonzero(np.isfinite(y))
    for first in known[:-1]:
        later = known[known > first]
        apart = np.abs(y[later] - y[first])
        if (apart <= 2 * np.hypot(error[later], error[first])).all():
            return int(lags[first])
    return None


def _matrix(model: MarkovModel, species: str) -> Map:
    n = np.arange(float(len(model.names)))
    return Map(
        "transition probability",
        n,
        n,
        model.matrix,
        "from",
        "to",
        z_unit="1",
        z_error=model.matrix_error,
        label=f"{species}, after {model.lag_time:.3g} ps",
        group="Transitions between clusters",
        categories=model.names,
        details={"lag_ps": model.lag_time},
    )
