from typing import Any

from numpy.typing import NDArray

class Follower:
    def evaluate(
        self,
        numbers: NDArray[Any],
        positions: NDArray[Any],
        cell: NDArray[Any],
        pbc: tuple[bool, ...],
    ) -> tuple[float, NDArray[Any], NDArray[Any], NDArray[Any]]: ...
    @property
    def builds(self) -> int: ...

class Potential:
    def __init__(self, arrays: dict[str, Any], isa: str = "") -> None: ...
    def evaluate(
        self,
        numbers: NDArray[Any],
        positions: NDArray[Any],
        cell: NDArray[Any],
        pbc: tuple[bool, ...],
        threads: int = 1,
    ) -> tuple[float, NDArray[Any], NDArray[Any], NDArray[Any]]: ...
    def follower(self, skin: float = 0.5, threads: int = 1) -> Follower: ...
    def force_field(self, skin: float = 0.5, threads: int = 1) -> object: ...
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

def instruction_sets() -> list[str]: ...
def multiply_adds_per_second(isa: str = "") -> float: ...
