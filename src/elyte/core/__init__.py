"""Types that every room shares: frames, labels, quantities, units, errors."""

from elyte.core.errors import (
    DamagedData,
    ElyteError,
    FormatError,
    InputError,
    MissingDependency,
    Outcome,
    ProjectLocked,
    RecipeError,
    StorageError,
    UnknownSpecies,
)
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels
from elyte.core.quantity import Quantity

__all__ = [
    "DamagedData",
    "Dataset",
    "ElyteError",
    "FormatError",
    "Frame",
    "InputError",
    "LabelledFrame",
    "Labels",
    "MissingDependency",
    "Outcome",
    "ProjectLocked",
    "Quantity",
    "RecipeError",
    "StorageError",
    "UnknownSpecies",
]
