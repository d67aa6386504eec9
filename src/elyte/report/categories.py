"""Under which heading a property stands in the table of the page."""

from __future__ import annotations

from collections.abc import Sequence

from elyte.core.quantity import Quantity

CATEGORIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Thermodynamics",
        ("density", "isothermal compressibility", "specific heat", "dielectric", "thermal exp"),
    ),
    ("Structure", ("coordination number",)),
    (
        "Speciation",
        (
            "ligand number", "SSIP", "CIP", "AGG", "multidentate", "cluster", "mean network",
            "continuous", "intermittent", "pair lifetime", "implied time", "transition probability",
        ),
    ),
    ("Conformations", ("dihedral", "conformer")),
    (
        "Diffusion, rotation and viscosity",
        (
            "self-diffusion", "log–log", "non-Gaussian", "rotational", "shear viscosity",
            "pair lifetime over rotation", "velocity",
        ),
    ),
    (
        "Transport of charge",
        (
            "ionic conductivity", "conductivity", "Nernst", "ionicity", "Haven", "transport number",
            "Onsager", "transference",
        ),
    ),
    ("Dependence on temperature", ("activation", "VFT")),
    ("Errors of the potential", ("force error", "energy error", "pressure error")),
)  # fmt: skip
"""Heading → how the names of its properties begin; the longest beginning that fits decides."""

OTHER = "Further properties"


def category_of(name: str) -> str:
    """Return the heading of a property."""
    fitting = [
        (len(start), heading)
        for heading, starts in CATEGORIES
        for start in starts
        if name.lower().startswith(start.lower())
    ]
    return max(fitting)[1] if fitting else OTHER


def by_category(quantities: Sequence[Quantity]) -> dict[str, list[Quantity]]:
    """Return the quantities under each heading, in the order of the headings."""
    order = [heading for heading, _ in CATEGORIES] + [OTHER]
    table: dict[str, list[Quantity]] = {heading: [] for heading in order}
    for quantity in quantities:
        table[category_of(quantity.name)].append(quantity)
    return {heading: found for heading, found in table.items() if found}
