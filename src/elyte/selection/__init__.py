"""Which structures to label: extrapolation grades, MaxVol, and other selectors."""

from elyte.selection.active_set import ActiveSet, Mode
from elyte.selection.derivatives import Differentiable
from elyte.selection.selector import EnsembleSelector, RandomSelector, Selector

__all__ = [
    "ActiveSet",
    "Differentiable",
    "EnsembleSelector",
    "Mode",
    "RandomSelector",
    "Selector",
]
