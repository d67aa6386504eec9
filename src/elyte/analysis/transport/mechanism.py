"""How an ion moves: with its shell (vehicular), or by exchanging it (structural)."""

from __future__ import annotations

from elyte.analysis.intervals import interval
from elyte.analysis.transport.nernst_einstein import ratio
from elyte.core.quantity import Quantity

NAME = "pair lifetime over rotation time"


def mechanism(pair: Quantity, rotation: Quantity, species: str = "") -> Quantity:
    """Return τ_pair/τ_rot, and what it says about the mechanism of transport.

    Above 1 a ligand turns round, and moves on, many times while it stays with its ion, which then
    travels with its shell: vehicular. Below 1 it leaves before it has turned: structural.

    Args:
        pair: lifetime of the pair of ion and ligand, ps.
        rotation: rotational relaxation time of the ligand, ps.
        species: what it belongs to.

    Returns:
        Quantity; `details["mechanism"]` is "vehicular", "structural", or "not decided" where the
        95 % interval holds 1.
    """
    found = ratio(NAME, pair, rotation, "τ_pair/τ_rot", pair.temperature)
    changes: dict[str, object] = {"species": species}
    if not found.withheld:
        low, high = interval(found)
        verdict = "vehicular" if low > 1 else "structural" if high < 1 else "not decided"
        changes["details"] = {**found.details, "mechanism": verdict}
        changes["method"] = f"τ_pair/τ_rot: {verdict}"
    return Quantity(**{**found.__dict__, **changes})
