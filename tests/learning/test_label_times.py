"""What a label from the ledger is said to have cost."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from elyte.core import Frame, Labels
from elyte.learning.work.labels import _recorded
from elyte.workflow.ledger import Ledger


def test_a_known_label_keeps_the_time_that_it_took(tmp_path: Path) -> None:
    frame, labels = Frame([1], np.zeros((1, 3))), Labels(-1.0, np.zeros((1, 3)))
    with Ledger(tmp_path) as ledger:
        ledger.put("timed", frame, labels, provenance={"seconds": 4.0})
        ledger.put("older", frame, labels)
        project = SimpleNamespace(ledger=ledger, workers=2)
        assert _recorded(project, "timed") == pytest.approx(2.0)  # type: ignore[arg-type]
        assert _recorded(project, "older") == 0.0  # type: ignore[arg-type]
        assert _recorded(project, "absent") == 0.0  # type: ignore[arg-type]
