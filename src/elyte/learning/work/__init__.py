"""What each kind of task does: (inputs, project, progress) → result.

A result is a dictionary of plain values and arrays; its "summary" is all that `advance` sees.
"""

from elyte.learning.work.boxes import pack
from elyte.learning.work.exploration import explore
from elyte.learning.work.labels import check, label
from elyte.learning.work.production import prepare, segment
from elyte.learning.work.selecting import select
from elyte.learning.work.training import train

FUNCTIONS = {
    "pack": pack,
    "check": check,
    "train": train,
    "explore": explore,
    "select": select,
    "prepare": prepare,
    "segment": segment,
}

__all__ = ["FUNCTIONS", "label"]
