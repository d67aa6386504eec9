"""What a set of labels says of its own limits."""

from __future__ import annotations

import numpy as np
from firewall_cases import changed, data_set, kinds

from elyte.core import LabelledFrame
from elyte.reference.firewall import Limits
from elyte.reference.suggested import Extremes, suggested_limits


def test_a_set_suggests_its_own_limits():
    known = [Extremes(2.0 + 0.1 * (i % 10), 0.01 + 0.001 * (i % 7)) for i in range(30)]
    limits = suggested_limits(known)
    assert 20 < limits.force < 60
    assert 0.1 < limits.stress < 0.2
    assert suggested_limits(known[:10]) == Limits()  # too few to say anything
    assert suggested_limits(known, Limits(force=5.0)).force == 5.0
    spoilt = [*known, *[Extremes(1e4, 1e3)] * 7]  # a fifth of bad frames does not move them
    assert suggested_limits(spoilt).force < 60
    wide = [Extremes(10 ** (i / 10), None) for i in range(-20, 15)]
    assert suggested_limits(wide).force == 60.0


def test_a_force_that_no_other_frame_has():
    items = data_set(30)
    forces = np.array(items[4].labels.forces)
    forces[0] += [40, 0, 0]
    forces[1] -= [40, 0, 0]
    items[4] = LabelledFrame(items[4].frame, changed(items[4].labels, forces=forces))
    assert kinds(items) == {"force_too_large": (4,)}
