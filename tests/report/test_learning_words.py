"""What the report says where learning ended before it had converged."""

from __future__ import annotations

import pytest

from elyte.chemistry import Recipe
from elyte.learning.start import settings
from elyte.learning.state import State
from elyte.report.project import _warnings


@pytest.mark.parametrize(
    ("reason", "rounds", "labels", "numbers"),
    [
        ("converged: no frame extrapolates", 3, 500, None),
        (
            "budget reached: stable, the force error is within the target",
            3, 400, "learning.max_rounds (3).",
        ),
        (
            "budget reached: stable, the force error is within the target",
            2, 501, "learning.max_labels (500).",
        ),
        (
            "budget exceeded: stable, but the force error is above the target",
            5, 800, "learning.max_rounds (3), learning.max_labels (500), "
            "learning.force_error_target (90 meV/Å).",
        ),
    ],
)  # fmt: skip
def test_a_run_that_has_not_converged_names_the_numbers_that_let_it_go_on(
    reason: str, rounds: int, labels: int, numbers: str | None
) -> None:
    learning = {"max_rounds": 3, "max_labels": 500, "force_error_target": "90 meV/Å"}
    recipe = Recipe.read({"components": {"water": 1}, "temperature": "330 K", "learning": learning})
    training = tuple(f"label {k}" for k in range(labels))
    state = State(
        settings(recipe), "done", round=rounds, training=training, finished_learning=reason
    )
    lines = _warnings(state, [], {})
    assert bool(lines) == (numbers is not None)
    for line in lines:
        assert line.startswith(f"Learning did not converge fully; {reason}. Larger numbers")
        assert line.endswith(f"let it go on: {numbers}")
