"""Radial distributions, shells, structure factors, and the user's pairs of sites."""

from __future__ import annotations

import numpy as np

from elyte.analysis.sites import Site, find_pair
from elyte.analysis.speciation.shells import contacts, coordination_number
from elyte.analysis.steps.context import Context, Findings
from elyte.analysis.structure.rdf import radial_distribution, rdf_curves
from elyte.analysis.structure.report import all_centre_curves, solvation_results
from elyte.analysis.structure.shell import Shell, first_shell
from elyte.analysis.structure.static_factor import structure_factor
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

_BIN = 0.05
_LONGEST_WAVE = 2.0  # 1/Å
_FRAMES = 12  # of a direct structure factor, which is costly


def structure_step(context: Context) -> Findings:
    """What stands around each cation, and radial distributions of centres of mass."""
    found = Findings()
    for solvation in context.solvations:
        found += Findings(*solvation_results(solvation, context.runs, context.temperature))
    return found + Findings([], all_centre_curves(context.runs, context.system, context.reach))


def pairs_step(context: Context) -> Findings:
    """The pairs of sites that the user asks for."""
    found = Findings()
    for text in context.options.pairs:
        pair = find_pair(text, context.system, context.first_frame, context.options.universe)
        found += _pair(context, *pair)
    return found


def _pair(context: Context, a: Site, b: Site) -> Findings:
    label = f"{a.label}–{b.label}"
    owners = a.molecules(context.system), b.molecules(context.system)
    first, second = [a.of(o) for o in context.runs], [b.of(o) for o in context.runs]
    cells = [o.cells for o in context.runs]
    same = a.centres == b.centres and np.array_equal(a.atoms, b.atoms)
    bins = int(context.reach / _BIN)
    groups = None if same and a.centres else owners
    rdf = radial_distribution(first, None if same else second, cells, context.reach, bins, groups)
    shell = first_shell(rdf.r, rdf.g, rdf.g_error)
    if label in context.options.cutoffs:
        shell = Shell(shell.peak, context.options.cutoffs[label])
    curves = rdf_curves(rdf, label, shell, ("Chosen pairs", "Chosen pairs, running numbers"))
    return Findings([_number(context, label, shell, (a, b))], curves)


def _number(context: Context, label: str, shell: Shell, pair: tuple[Site, Site]) -> Quantity:
    name = "coordination number"
    fields = {"species": label, "temperature": context.temperature}
    if shell.reason:
        return Quantity.withhold(name, "1", shell.reason, **fields)
    a, b = pair
    of_a, of_b = a.molecules(context.system), b.molecules(context.system)
    owner = np.arange(len(b))
    counts = []
    for o in context.runs:
        found = contacts(a.of(o), b.of(o), owner, o.cells, shell.minimum)
        apart = of_a[found.centre] != of_b[found.ligand]
        table = np.zeros(found.frames * found.centres, dtype=np.int64)
        np.add.at(table, (found.frame * found.centres + found.centre)[apart], 1)
        counts.append(table.reshape(found.frames, found.centres))
    return coordination_number(counts).quantity(
        name,
        "1",
        f"of other molecules within {shell.minimum:.2f} Å; error over the first site",
        details={"first_minimum_angstrom": shell.minimum, "first_maximum_angstrom": shell.peak},
        **fields,
    )


def static_factor_step(context: Context) -> Findings:
    """S(q) on the wave vectors of the box: of all electrons, and of the charge of the ions."""
    samples = context.sampled(_FRAMES)
    electrons = np.asarray(context.system.numbers, dtype=float)
    curves = []
    cells = np.concatenate([np.asarray(o.cells)[part] for o, part in samples])
    jobs = [("atoms weighted by electrons", "positions", electrons)]
    if context.system.ions:
        jobs.append(("charge of the ions", "places", context.system.charges))
    for label, what, weights in jobs:
        used = np.flatnonzero(weights)
        x = np.concatenate([getattr(o, what)[part, used] for o, part in samples])
        try:
            curves.append(structure_factor(x, cells, _LONGEST_WAVE, 0.05, weights[used], label))
        except InputError:  # a box so large that its wave vectors are too many
            curves.append(structure_factor(x, cells, 1.0, 0.05, weights[used], label))
    return Findings([], curves)
