"""London dispersion by D3, added to labels or taken out of them exactly.

E_D3 = −½ Σ_ij Σ_{n=6,8} s_n C_n^ij / (r_ij^n + f(R₀^ij)^n), f(R₀) = a₁ R₀ + a₂ (Becke–Johnson
damping, doi:10.1002/jcc.21759), with coefficients that depend on the coordination of both atoms
(doi:10.1063/1.3382344), and on request the three-body term of Axilrod, Teller and Muto. All
numbers are those of the library `dftd3`.

A finite cutoff ends every pair by a switch that goes smoothly to zero over its last part, so
that energy, forces and stress stay derivatives of one function. What is taken out of labels and
what a potential adds at run time are the same function, cutoff included.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from ase.geometry import complete_cell
from numpy.typing import NDArray

from elyte.core.errors import InputError, MissingDependency, Outcome, did_you_mean
from elyte.core.frame import Frame, LabelledFrame, Labels
from elyte.core.units import BOHR, HARTREE

METHODS = {"d3bj": "D3(BJ)", "d3zero": "D3(0)"}
OWN_PARAMETERS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    # GFN1-xTB has D3(BJ) without a three-body term in it, doi:10.1021/acs.jctc.7b00118
    "gfn1-xtb": ("d3bj", {"s6": 1.0, "s8": 2.4, "a1": 0.63, "a2": 5.0}),
}
"""Parameters that the library does not know by name."""
LARGEST_ELEMENT = 103
SMALLEST_CUTOFF = 4.0  # Å
_LONGEST_REACH = 21.2  # Å; the library's own for coordination and the three-body term
_COORDINATION_REACH = 12.0  # Å; the counting function ends there in a step of 2e-6 neighbours


@dataclass(frozen=True)
class DispersionSettings:
    """Which dispersion correction, and everything that changes its numbers.

    Args:
        functional: whose damping parameters are used, such as "PBE", "r2SCAN" or "GFN1-xTB".
        method: "d3bj" (Becke–Johnson damping) or "d3zero" (zero damping).
        cutoff: of pairs, Å.
        smoothing: length over which a pair is switched off before the cutoff, Å.
        three_body: whether the Axilrod–Teller–Muto term is in it.
        parameters: (name, value) of damping parameters instead of a functional's: s6, s8, a1, a2
            for "d3bj"; s6, s8, rs6, rs8 for "d3zero"; s9.

    Raises:
        InputError: an unknown method, or a cutoff that cannot be.
    """

    functional: str = "PBE"
    method: str = "d3bj"
    cutoff: float = 12.0
    smoothing: float = 1.0
    three_body: bool = False
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            hint = did_you_mean(self.method, list(METHODS))
            raise InputError(
                f"unknown dispersion method '{self.method}'{hint}: use {' or '.join(METHODS)}"
            )
        set_ = object.__setattr__
        set_(self, "parameters", tuple((str(n), float(v)) for n, v in self.parameters))
        set_(self, "cutoff", float(self.cutoff))
        set_(self, "smoothing", float(self.smoothing))
        if not self.cutoff >= SMALLEST_CUTOFF:
            raise InputError(
                f"a dispersion cutoff of {self.cutoff:g} Å is below {SMALLEST_CUTOFF:g} Å"
            )
        if not 0 <= self.smoothing < self.cutoff:
            raise InputError("the smoothing of a dispersion must lie between 0 and its cutoff")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> DispersionSettings:
        """Make settings from a mapping.

        Raises:
            InputError: a key that is none of the fields, with the nearest one.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise InputError(f"unknown dispersion setting '{key}'{did_you_mean(key, known)}")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        values = asdict(self)
        values["parameters"] = [list(pair) for pair in self.parameters]
        return values

    @property
    def reach(self) -> float:
        """Largest distance at which two atoms feel each other, Å: pairs, or coordination."""
        return max(self.cutoff, _COORDINATION_REACH)

    @property
    def name(self) -> str:
        """What it is called in the level of theory of a label: "D3(BJ)-PBE/12Å"."""
        whose = ",".join(f"{n}={v:g}" for n, v in self.parameters) or self.functional
        three = "+ATM" if self.three_body else ""
        return f"{METHODS[self.method]}-{whose}{three}/{self.cutoff:g}Å"


def available() -> Outcome:
    """Say whether dftd3 can be used here: "done" with its version, or how to install it."""
    try:
        _library()
        version = importlib.metadata.version("dftd3")
    except (MissingDependency, importlib.metadata.PackageNotFoundError) as error:
        return Outcome("missing", str(error))
    return Outcome("done", details={"version": version})


def evaluate_dispersion(
    frame: Frame, settings: DispersionSettings, atomic: bool = False
) -> tuple[Labels, Any]:
    """Return energy, forces and stress of the dispersion, and the energies of atoms, (n,).

    Args:
        frame: periodic in any directions; without a stress unless in all.
        settings: method, damping, cutoff.
        atomic: whether to compute the energies of atoms (half of each pair's), which costs as
            much again; else they are None.

    Raises:
        MissingDependency: dftd3 is not installed.
        InputError: an unknown functional, or an element without parameters.
    """
    if not len(frame):
        return Labels(0.0, np.zeros((0, 3)), level=settings.name), np.zeros(0)
    damping = _damping(settings)
    model = _model(frame, settings)
    try:
        result = model.get_dispersion(damping, grad=True)
        energies = _atomic(model.get_pairwise_dispersion(damping)) if atomic else None
    except RuntimeError as error:
        raise InputError(f"dftd3 failed: {' '.join(str(error).split())}") from error
    stress = None
    if frame.pbc.all():
        virial = np.asarray(result["virial"]) * HARTREE
        stress = 0.5 * (virial + virial.T) / frame.volume
    forces = -np.asarray(result["gradient"]) * (HARTREE / BOHR)
    labels = Labels(float(result["energy"]) * HARTREE, forces, stress, level=settings.name)
    return labels, energies


def with_dispersion(
    item: LabelledFrame, settings: DispersionSettings, sign: int = 1
) -> LabelledFrame:
    """Return a labelled frame with the dispersion added (sign 1) or taken out (sign −1).

    Adding what was taken out gives the labels back to rounding; what a label lacks (forces,
    stress) stays absent.
    """
    return add_part(item, evaluate_dispersion(item.frame, settings)[0], sign)


def add_part(item: LabelledFrame, part: Labels, sign: int) -> LabelledFrame:
    """Return a labelled frame with further labels of the same frame added, or taken away."""
    before = item.labels
    labels = replace(
        before,
        energy=before.energy + sign * part.energy,
        forces=_sum(before.forces, part.forces, sign),
        stress=_sum(before.stress, part.stress, sign),
        level=_renamed(before.level, part.level, sign),
    )
    return replace(item, labels=labels)


def _sum(mine: Any, part: Any, sign: int) -> Any:
    return mine if mine is None or part is None else mine + sign * part


def _renamed(level: str, name: str, sign: int) -> str:
    """Return the level of theory with "+name" or "-name"; the opposite one is crossed out."""
    opposite = f" {'-' if sign > 0 else '+'} {name}"
    if level.endswith(opposite):
        return level[: -len(opposite)]
    return f"{level} {'+' if sign > 0 else '-'} {name}"


def _library() -> Any:
    try:
        import dftd3.interface as interface
    except ImportError as error:
        raise MissingDependency(
            f"dispersion corrections need dftd3 ({error}): pip install 'dftd3>=1.7'"
        ) from error
    return interface


def _damping(settings: DispersionSettings) -> Any:
    """Return the library's damping parameters.

    Raises:
        InputError: the library has none for the functional, or a parameter is missing.
    """
    library = _library()
    kinds = {"d3bj": library.RationalDampingParam, "d3zero": library.ZeroDampingParam}
    kind, explicit = kinds[settings.method], dict(settings.parameters)
    own_method, own = OWN_PARAMETERS.get(settings.functional.lower(), ("", {}))
    if not explicit and own_method == settings.method:
        explicit = dict(own)
    try:
        if explicit:
            explicit["s9"] = explicit.get("s9", 1.0) if settings.three_body else 0.0
            return kind(**explicit)
        return kind(method=settings.functional.lower(), atm=settings.three_body)
    except (RuntimeError, TypeError) as error:
        whose = f"the parameters {explicit}" if explicit else f"'{settings.functional}'"
        reason = " ".join(str(error).split())
        raise InputError(
            f"{METHODS[settings.method]} does not know {whose}: {reason}; name a functional such "
            "as PBE, r2SCAN, B97-3c or revPBE, or give s6, s8, a1, a2"
        ) from error


def _model(frame: Frame, settings: DispersionSettings) -> Any:
    if frame.numbers.max() > LARGEST_ELEMENT or frame.numbers.min() < 1:
        raise InputError("D3 has no parameters for elements beyond lawrencium")
    positions, cell = _boxed(frame, settings.cutoff)
    model = _library().DispersionModel(
        np.array(frame.numbers),
        positions / BOHR,
        None if cell is None else cell / BOHR,
        None if cell is None else np.ones(3, dtype=bool),
    )
    three = min(settings.cutoff, _LONGEST_REACH)
    model.set_realspace_cutoff(
        disp2=settings.cutoff / BOHR,
        disp3=three / BOHR,
        cn=min(settings.reach, _LONGEST_REACH) / BOHR,
        width2=settings.smoothing / BOHR,
        width3=min(settings.smoothing, 0.9 * three) / BOHR,
    )
    return model


def _boxed(frame: Frame, cutoff: float) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return positions and a cell that is periodic in all directions, or None for a cluster.

    The library wraps atoms in directions that are not periodic, too; so those get a vacuum that
    no pair reaches across.
    """
    positions = np.array(frame.positions)
    if not frame.pbc.any():
        return positions, None
    # Directions without periods get unit vectors at right angles to the others.
    cell = np.array(complete_cell(frame.cell * frame.pbc[:, None]))
    for axis in np.flatnonzero(~frame.pbc):
        heights = positions @ cell[axis]
        positions += (cutoff - heights.min()) * cell[axis]
        cell[axis] *= np.ptp(heights) + 3.0 * cutoff
    return positions, cell


def _atomic(pairs: Mapping[str, Any]) -> Any:
    both = pairs["additive pairwise energy"] + pairs["non-additive pairwise energy"]
    return both.sum(axis=1) * HARTREE
