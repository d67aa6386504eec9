"""n2p2's input.data: units, files that are not whole."""

from __future__ import annotations

import pytest

from elyte.core import (
    FormatError,
)
from elyte.core.formats import (
    read_dataset,
    read_frames,
)
from elyte.core.units import BOHR, HARTREE

N2P2 = """begin
comment something
lattice 10.0 0.0 0.0
lattice 0.0 10.0 0.0
lattice 0.0 0.0 10.0
atom 1.0 2.0 3.0 O -0.2 0.0 0.01 0.02 0.03
atom 2.0 2.0 3.0 H 0.2 0.0 -0.01 -0.02 -0.03
energy -2.0
charge 0.0
end
"""


def test_n2p2_is_in_hartree_and_bohr(tmp_path):
    path = tmp_path / "input.data"
    path.write_text(N2P2)
    item = read_dataset(path)[0]
    assert item.labels.energy == pytest.approx(-2.0 * HARTREE)
    assert item.frame.cell[0, 0] == pytest.approx(10 * BOHR)
    assert item.labels.forces[0, 2] == pytest.approx(0.03 * HARTREE / BOHR)
    assert item.labels.charges.tolist() == [-0.2, 0.2]
    assert read_frames(path)[0].symbols == ["O", "H"]


@pytest.mark.parametrize("change", [("end\n", ""), ("energy -2.0\n", ""), (" -0.03\n", "\n")])
def test_n2p2_that_is_not_whole(tmp_path, change):
    path = tmp_path / "input.data"
    path.write_text(N2P2.replace(*change))
    with pytest.raises(FormatError):
        read_dataset(path)
