"""xTB, GPAW and CP2K on one frame: stresses of one sign and size, two codes of PBE alike.

That each is the derivative of its own energy is in the tests of the engine.
"""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Frame
from elyte.reference import EngineSettings, cp2k, gpaw, xtb

CELL = [[4.0, 0, 0], [0.2, 4.2, 0], [-0.1, 0.3, 4.4]]
HYDROGEN = Frame([1, 1], [[0, 0, 0], [0.6, 0.3, 0.4]], CELL, True)
ENGINES = {"xtb": xtb, "gpaw": gpaw, "cp2k": cp2k}
SETTINGS = {
    "xtb": EngineSettings("xtb"),
    "gpaw": EngineSettings("gpaw", cutoff="500 eV", dispersion="none"),
    "cp2k": EngineSettings("cp2k", cutoff="300 Ry", relative_cutoff="40 Ry", dispersion="none"),
}
missing = [name for name, engine in ENGINES.items() if not engine.available().done]
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # GPAW's own
    pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}"),
]


def test_three_engines_agree_on_the_sign_and_size_of_the_stress() -> None:
    labels = {n: engine.label(HYDROGEN, SETTINGS[n].as_dict()) for n, engine in ENGINES.items()}
    pbe, other, tight = (labels[name]["stress"] for name in ("cp2k", "gpaw", "xtb"))
    assert (np.diag(pbe) > 0.005).all()  # a stretched box pulls, most along x
    assert np.abs(other - pbe).max() < 1e-3
    assert np.abs(tight - pbe).max() < 5e-3
    axes = [np.argsort(np.diag(stress)).tolist() for stress in (pbe, other, tight)]
    assert axes == [[2, 1, 0]] * 3
    pushes = [labels[name]["forces"][1] @ [0.6, 0.3, 0.4] for name in ENGINES]
    assert (np.array(pushes) < 0).all() or (np.array(pushes) > 0).all()
