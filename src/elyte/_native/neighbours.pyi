from typing import Any

from numpy.typing import NDArray

def neighbour_list(
    numbers: NDArray[Any],
    positions: NDArray[Any],
    cell: NDArray[Any],
    pbc: tuple[bool, ...],
    cutoff: float,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
