"""Options by which labels get a dispersion, or lose it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from elyte.chemistry.quantities import LENGTH, parse
from elyte.core.frame import LabelledFrame
from elyte.potentials.dispersion import Dispersion
from elyte.reference.dispersion import DispersionSettings, with_dispersion


class Change(StrEnum):
    """What becomes of the dispersion in labels."""

    add = "add"
    take_out = "strip"


DispersionOption = Annotated[
    Change | None, typer.Option(help="Add D3(BJ) to the labels that are written, or take it out.")
]
FunctionalOption = Annotated[
    str, typer.Option(help="Whose D3 parameters: PBE, r2SCAN, GFN1-xTB, ….")
]
CutoffOption = Annotated[str, typer.Option(help="Largest distance of a pair in D3.")]


def changer(
    change: Change | None, functional: str, cutoff: str
) -> Callable[[LabelledFrame], LabelledFrame] | None:
    """Return what is done to each label on its way into a file, or None.

    Raises:
        InputError: a cutoff that is no length.
    """
    if change is None:
        return None
    settings = settings_of(functional, cutoff)
    sign = 1 if change is Change.add else -1
    return lambda item: with_dispersion(item, settings, sign)


def settings_of(functional: str, cutoff: str) -> DispersionSettings:
    """Return D3(BJ) of a functional with a cutoff such as "12 Å"."""
    return DispersionSettings(functional, cutoff=parse(cutoff, LENGTH))


def potential_of(functional: str, cutoff: str, species: tuple[int, ...]) -> Dispersion:
    """Return the same as a potential for dynamics."""
    return Dispersion(settings_of(functional, cutoff), species, atomic=False)
