"""What several runs tell together: over temperatures, pressures and sizes of the box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from elyte.analysis.curve import Curve
from elyte.analysis.driver import Analysis
from elyte.analysis.steps.context import Findings
from elyte.analysis.thermo.expansion import thermal_expansion
from elyte.analysis.thermo.tait import tait_compressibility
from elyte.analysis.transport.arrhenius import arrhenius, vogel_fulcher_tammann
from elyte.analysis.transport.finite_size import extrapolated_to_infinity
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

BAR_IN_GPA = 1e-4

RISES = ("self-diffusion coefficient", "ionic conductivity", "Nernst–Einstein conductivity")
FALLS = (
    "shear viscosity",
    "continuous pair lifetime",
    "intermittent pair lifetime",
    "rotational relaxation time, order 1",
    "rotational relaxation time, order 2",
)
_GLASSY = ("self-diffusion coefficient", "ionic conductivity", "shear viscosity")


@dataclass(frozen=True, eq=False)
class StatePoint:
    """The analysis of the runs at one temperature and pressure, in one size of box.

    Args:
        found: its results.
        temperature: K, or None.
        pressure: GPa, or None.
        molecules: number of molecules.
    """

    found: Analysis
    temperature: float | None = None
    pressure: float | None = None
    molecules: int = 0

    @property
    def length(self) -> float:
        """Edge of a cube of the same volume, Å."""
        return float(self.found.volume ** (1 / 3))


def across(points: Sequence[StatePoint]) -> Findings:
    """Return activation energies, VFT parameters, expansion, Tait and size extrapolations.

    What the points do not allow is withheld with its reason, one row for each kind of result.
    """
    largest = max((p.molecules for p in points), default=0)
    same_size = [p for p in points if p.molecules == largest]
    return (
        over_temperatures(_lowest_pressure(same_size))
        + over_pressures(same_size)
        + over_sizes(points)
    )


def _lowest_pressure(points: Sequence[StatePoint]) -> list[StatePoint]:
    known = {p.pressure for p in points if p.pressure is not None}
    return [p for p in points if not known or p.pressure == min(known)]


def over_temperatures(points: Sequence[StatePoint]) -> Findings:
    """Arrhenius and VFT fits of what is transported, and thermal expansion, at one pressure."""
    kelvins = {p.temperature for p in points if p.temperature is not None}
    if len(kelvins) < 2:
        reason = "runs at one temperature; several are needed"
        return Findings(
            [
                Quantity.withhold("activation energy", "kJ/mol", reason),
                Quantity.withhold("VFT temperature", "K", reason),
                Quantity.withhold("thermal expansion coefficient", "1/K", reason),
            ]
        )
    found = Findings()
    for name, species in _names(points, (*RISES, *FALLS)):
        found += _fits(points, name, species)
    return found + _expansion(points)


def _names(points: Sequence[StatePoint], wanted: Iterable[str]) -> list[tuple[str, str]]:
    order = list(wanted)
    seen = {
        (q.name, q.species): None for p in points for q in p.found.quantities if q.name in order
    }
    return sorted(seen, key=lambda pair: order.index(pair[0]))


def _first(point: StatePoint, name: str, species: str) -> Quantity | None:
    """The first value: the Einstein relation comes before Green–Kubo."""
    mine = [q for q in point.found.quantities if (q.name, q.species) == (name, species)]
    return next((q for q in mine if not q.withheld), mine[0] if mine else None)


def _over(points: Sequence[StatePoint], name: str, species: str) -> list[Quantity]:
    values = [_first(p, name, species) for p in points]
    return [q for q in values if q is not None]


def _fits(points: Sequence[StatePoint], name: str, species: str) -> Findings:
    values = [q for q in _over(points, name, species) if q.withheld or q.error > 0]
    rises = name in RISES
    label = f"{name} of {species}" if species else name
    if sum(not q.withheld for q in values) < 2:
        return Findings()
    energy, line = arrhenius(values, rises)
    quantities, curves = [_of(energy, label)], [_data(values, label), _line(line, label)]
    if name in _GLASSY and sum(not q.withheld for q in values) >= 4:
        b, t0, curve = vogel_fulcher_tammann(values, rises)
        quantities += [_of(b, label), _of(t0, label)]
        if len(curve.x):
            curves.append(_line(curve, label, "VFT"))
    return Findings(quantities, curves)


def _of(quantity: Quantity, label: str) -> Quantity:
    return Quantity(**{**quantity.__dict__, "species": label})


def _line(curve: Curve, label: str, kind: str = "Arrhenius") -> Curve:
    changes = {"label": kind, "group": f"Temperature dependence: {label}", "species": label}
    return Curve(**{**curve.__dict__, **changes})


def _data(values: Sequence[Quantity], label: str) -> Curve:
    known = sorted((q for q in values if not q.withheld), key=lambda q: -(q.temperature or 0))
    return Curve(
        known[0].name,
        np.array([1000 / (q.temperature or np.nan) for q in known]),
        np.array([q.value for q in known]),
        np.array([q.error for q in known]),
        "1000 K/T",
        known[0].unit,
        "runs",
        label,
        {"points": True},
        f"Temperature dependence: {label}",
    )


def _expansion(points: Sequence[StatePoint]) -> Findings:
    densities = _over(points, "density", "")
    try:
        quantity, curve = thermal_expansion(densities)
    except InputError as error:
        name = "thermal expansion coefficient"
        return Findings([Quantity.withhold(name, "1/K", str(error))])
    return Findings([quantity], [curve] if len(curve.x) else [])


def over_pressures(points: Sequence[StatePoint]) -> Findings:
    """Compressibility by the Tait equation, at each temperature with several pressures."""
    found = Findings()
    for kelvin in dict.fromkeys(p.temperature for p in points):
        mine = [p for p in points if p.temperature == kelvin and p.pressure is not None]
        if len({p.pressure for p in mine}) < 2:
            continue
        pairs = [(p.pressure, _first(p, "density", "")) for p in mine]
        known = [(x, q) for x, q in pairs if x is not None and q is not None]
        try:
            at = min(x for x, _ in known)
            quantity, curve = tait_compressibility([x for x, _ in known], [q for _, q in known], at)
        except InputError as error:
            reason = str(error)
            name = "isothermal compressibility"
            found += Findings([Quantity.withhold(name, "1/GPa", reason, method="Tait equation")])
            continue
        found += Findings([quantity], [curve] if len(curve.x) else [])
    return found


def over_sizes(points: Sequence[StatePoint]) -> Findings:
    """Self-diffusion extrapolated to an infinite box, where boxes of several sizes are given."""
    found = Findings()
    for kelvin in dict.fromkeys(p.temperature for p in points):
        mine = [p for p in points if p.temperature == kelvin]
        if len({p.molecules for p in mine}) < 2:
            continue
        for name, species in _names(mine, ("self-diffusion coefficient",)):
            pairs = [(_first(p, name, species), p.length) for p in mine]
            known = [(q, length) for q, length in pairs if q is not None]
            infinite, eta, curve = extrapolated_to_infinity(
                [q for q, _ in known], [length for _, length in known]
            )
            found += Findings([infinite, eta], [curve] if len(curve.x) else [])
    return found
