from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

# energy, forces, ∂E/∂ε, atomic energies, nearest pair (i, j, Å) or None, rows or None
_Found = tuple[
    float,
    NDArray[Any],
    NDArray[Any],
    NDArray[Any],
    tuple[int, int, float] | None,
    NDArray[Any] | None,
]

# energies, forces, ∂E/∂ε (frames, 9), atomic energies, and (frame, (i, j, Å)) of near pairs
_FoundOfAll = tuple[
    NDArray[Any],
    NDArray[Any],
    NDArray[Any],
    NDArray[Any],
    list[tuple[int, tuple[int, int, float]]],
]

class Follower:
    def evaluate(
        self,
        numbers: NDArray[Any],
        positions: NDArray[Any],
        cell: NDArray[Any],
        pbc: tuple[bool, ...],
        rows: str = "",
        only: Sequence[int] | None = None,
    ) -> _Found: ...
    def grades(
        self,
        numbers: NDArray[Any],
        positions: NDArray[Any],
        cell: NDArray[Any],
        pbc: tuple[bool, ...],
        maps: dict[str, Any],
        only: Sequence[int] | None = None,
    ) -> NDArray[Any]: ...
    @property
    def builds(self) -> int: ...

class Potential:
    def __init__(
        self, arrays: dict[str, Any], isa: str = "", precision: str = "double"
    ) -> None: ...
    def evaluate(
        self,
        numbers: NDArray[Any],
        positions: NDArray[Any],
        cell: NDArray[Any],
        pbc: tuple[bool, ...],
        threads: int = 1,
    ) -> _Found: ...
    def evaluate_all(
        self,
        structures: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], tuple[bool, ...]]],
        threads: int = 1,
    ) -> _FoundOfAll: ...
    def follower(self, skin: float, threads: int) -> Follower: ...
    def force_field(self, skin: float, threads: int) -> object: ...
    def time(
        self,
        numbers: NDArray[Any],
        positions: NDArray[Any],
        cell: NDArray[Any],
        pbc: tuple[bool, ...],
        threads: int = 1,
        repeats: int = 5,
        skin: float = 0.0,
    ) -> tuple[float, float]: ...
    def operations(self) -> dict[str, float]: ...
    @property
    def isa(self) -> str: ...
    @property
    def precision(self) -> str: ...

highest_level: int

def instruction_sets() -> list[str]: ...
def multiply_adds_per_second(isa: str = "") -> float: ...
