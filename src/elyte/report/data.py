"""What a report shows: frozen values, saved beside the page as JSON and npz.

`ReportData` is the only input of the page, so that a report can be rebuilt from its folder
without running anything again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.quantity import Quantity
from elyte.report import storage
from elyte.report.fields import CloudData, MapData

Pairs = Sequence[tuple[str, str]]


def _vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=float)
    if array.ndim != 1:
        raise InputError(f"{name} has {array.ndim} dimensions, expected a vector")
    array.setflags(write=False)
    return array


def _fix(instance: object, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(instance, name, value)


@dataclass(frozen=True, eq=False)
class CurveData:
    """One line, or one set of bars, of a figure.

    Args:
        name: what is on the vertical axis ("g(r)", "mean squared displacement").
        x: (k,), in `x_unit`; ignored for bars.
        y: (k,), in `y_unit`.
        y_error: standard error of y, (k,), or None.
        x_unit: as printed ("Å", "ps"), "" or "1" for a pure number.
        y_unit: likewise.
        label: what the legend says; empty: the species.
        species: what the curve belongs to ("Li", "Li–O(EC)"), or "".
        temperature: K, or None; curves of several temperatures become tabs.
        group: the figure it belongs to: "rdf", "coordination", "msd", "collective-msd",
            "conductivity", "speciation", or a title of one's own.
        categories: names of the bars, one for each y; empty for a line.
        window: interval of x that is shaded (a fit or plateau window), or None.
        x_name: what is on the horizontal axis; empty: guessed from the unit.
        points: whether values are points that are not joined.

    Raises:
        InputError: vectors of different lengths.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    y_error: NDArray[np.float64] | None = None
    x_unit: str = ""
    y_unit: str = ""
    label: str = ""
    species: str = ""
    temperature: float | None = None
    group: str = ""
    categories: Sequence[str] = ()
    window: tuple[float, float] | None = None
    x_name: str = ""
    points: bool = False

    def __post_init__(self) -> None:
        x, y = _vector(self.x, "x"), _vector(self.y, "y")
        _fix(self, x=np.arange(len(y), dtype=float) if self.categories else x, y=y)
        _fix(self, categories=tuple(self.categories))
        if self.y_error is not None:
            _fix(self, y_error=_vector(self.y_error, "y_error"))
        if self.window is not None:
            _fix(self, window=(float(self.window[0]), float(self.window[1])))
        parts = [self.x, y, self.y_error, self.categories or None]
        sizes = {len(part) for part in parts if part is not None}
        if len(sizes) != 1:
            raise InputError(f"curve '{self.name}' has vectors of lengths {sorted(sizes)}")


def from_analysis(curve: Any, group: str, temperature: float | None = None) -> CurveData:
    """Return a curve of `elyte.analysis` as a curve of figure `group`.

    `details["window"]`, where present, becomes the shaded interval, and `details["categories"]`
    the names of bars; `details["points"]` says that points are not joined.
    """
    window = curve.details.get("window")
    return CurveData(
        name=curve.name,
        x=curve.x,
        y=curve.y,
        y_error=curve.y_error,
        x_unit=curve.x_unit,
        y_unit=curve.y_unit,
        label=curve.label,
        species=curve.species,
        temperature=temperature,
        group=group,
        window=None if window is None else (float(window[0]), float(window[1])),
        categories=curve.details.get("categories", ()),
        x_name=curve.x_unit if "categories" in curve.details else "",
        points=bool(curve.details.get("points", False)),
    )


@dataclass(frozen=True)
class RoundRecord:
    """One round of active learning; None where a number was not measured.

    Args:
        index: 0 is the start set.
        labels_total: labels in the training set after the round.
        labels_new: labels added in the round.
        force_rmse_train: eV/Å.
        force_rmse_validation: eV/Å, on frames the training did not see.
        energy_rmse: eV/atom.
        max_grade: largest extrapolation grade met by the round's trajectories.
        trajectories_stopped: trajectories that ended before their time.
        seconds_label: wall time of the labels; likewise `seconds_train`, `seconds_explore`.
        note: one line for a person.
        trajectories: trajectories started.
        labels_quarantined: labels that were refused.
    """

    index: int
    labels_total: int
    labels_new: int
    force_rmse_train: float | None = None
    force_rmse_validation: float | None = None
    energy_rmse: float | None = None
    max_grade: float | None = None
    trajectories_stopped: int = 0
    seconds_label: float = 0.0
    seconds_train: float = 0.0
    seconds_explore: float = 0.0
    note: str = ""
    trajectories: int = 0
    labels_quarantined: int = 0


@dataclass(frozen=True, eq=False)
class ParityData:
    """Reference values and what the potential says of them.

    Args:
        name: "forces", "energies", …; the figure's title.
        reference: (k,), in `unit`.
        predicted: (k,), in `unit`.
        unit: "eV/Å", "eV/atom", …
        elements: chemical symbol of each value, (k,), or empty.
        note: which frames these are ("120 frames of the production at 350 K").

    Raises:
        InputError: vectors of different lengths.
    """

    name: str
    reference: NDArray[np.float64]
    predicted: NDArray[np.float64]
    unit: str
    elements: Sequence[str] = ()
    note: str = ""

    def __post_init__(self) -> None:
        reference = _vector(self.reference, "reference")
        predicted = _vector(self.predicted, "predicted")
        _fix(self, reference=reference, predicted=predicted, elements=tuple(self.elements))
        if len(reference) != len(predicted) or len(self.elements) not in (0, len(reference)):
            raise InputError(f"parity data '{self.name}' has vectors of different lengths")

    def errors(self, element: str = "") -> tuple[float, float]:
        """Return (RMSE, MAE) in `unit`, of all values or of one element's."""
        difference = self.predicted - self.reference
        if element:
            difference = difference[np.array(self.elements) == element]
        return float(np.sqrt(np.mean(difference**2))), float(np.mean(np.abs(difference)))


@dataclass(frozen=True)
class Citation:
    """A work to cite: for what, its text, and its DOI."""

    used_for: str
    text: str
    doi: str = ""


@dataclass(frozen=True, eq=False)
class ReportData:
    """All that the page shows; whatever is empty leaves no trace on it.

    Args:
        title: heading of the page.
        recipe_text: the recipe as the user wrote it (YAML).
        realised: (label, value) of what the recipe became (molecules, concentration, …).
        quantities: the table of properties.
        curves: the figures of structure and transport.
        rounds: the learning, by round.
        parity: parity figures on frames that were labelled again.
        frame: the box of the 3-D view.
        series: density, temperature, energy along the production (x: time).
        provenance: (label, value): versions, seeds, host-independent settings.
        warnings: one sentence each: stopped runs, quarantined labels, doubtful numbers.
        elapsed: (stage, seconds of wall time).
        citations: how to cite the methods.
        molecule_names: name of each molecule id in `frame` ("Li", "EC", …), or empty.
        molecule_charges: charge of each molecule id, e, or empty; charged ones are highlighted.
        subtitle: one line below the title.
        grade_limits: extrapolation grades above which frames are saved and runs are stopped.
        force_target: the recipe's target for the force error, eV/Å, or None.
        maps: properties of two variables.
        clouds: densities around molecules.
    """

    title: str
    recipe_text: str = ""
    realised: Pairs = ()
    quantities: Sequence[Quantity] = ()
    curves: Sequence[CurveData] = ()
    rounds: Sequence[RoundRecord] = ()
    parity: Sequence[ParityData] = ()
    frame: Frame | None = None
    series: Sequence[CurveData] = ()
    provenance: Pairs = ()
    warnings: Sequence[str] = ()
    elapsed: Sequence[tuple[str, float]] = ()
    citations: Sequence[Citation] = ()
    molecule_names: Sequence[str] = ()
    molecule_charges: Sequence[float] = ()
    subtitle: str = ""
    grade_limits: tuple[float, float] | None = (2.0, 10.0)
    force_target: float | None = None
    maps: Sequence[MapData] = ()
    clouds: Sequence[CloudData] = ()

    def save(self, folder: str | Path) -> Path:
        """Write `data.json` and its arrays (npz) into `folder`; return the JSON file's path."""
        return storage.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> ReportData:
        """Read what `save` wrote.

        Raises:
            InputError: there is no saved report in `folder`.
            DamagedData: the arrays are not those that were saved.
        """
        fields = storage.load(Path(folder))
        frame = fields.pop("frame")
        return cls(
            **{name: fields[name] for name in _PLAIN if name in fields},
            frame=None if frame is None else Frame(**frame),
            quantities=tuple(Quantity(**q) for q in fields.get("quantities", ())),
            curves=tuple(CurveData(**c) for c in fields.get("curves", ())),
            maps=tuple(MapData(**m) for m in fields.get("maps", ())),
            clouds=tuple(CloudData(**c) for c in fields.get("clouds", ())),
            series=tuple(CurveData(**c) for c in fields.get("series", ())),
            rounds=tuple(RoundRecord(**r) for r in fields.get("rounds", ())),
            parity=tuple(ParityData(**p) for p in fields.get("parity", ())),
            citations=tuple(Citation(**c) for c in fields.get("citations", ())),
            realised=tuple((a, b) for a, b in fields.get("realised", ())),
            provenance=tuple((a, b) for a, b in fields.get("provenance", ())),
            elapsed=tuple((a, b) for a, b in fields.get("elapsed", ())),
        )


_PLAIN = (
    "title",
    "recipe_text",
    "warnings",
    "molecule_names",
    "molecule_charges",
    "subtitle",
    "grade_limits",
    "force_target",
)
