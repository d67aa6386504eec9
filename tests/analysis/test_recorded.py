"""Tables that a simulation wrote: columns, units, equal times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elyte.analysis.recorded import read_series
from elyte.core.errors import FormatError, InputError

STRESS = ",".join(f"p{ij} (bar)" for ij in ("xx", "yy", "zz", "xy", "xz", "yz"))
HEADER = f"time (ps),volume (nm3),energy (kJ/mol),{STRESS},note"


def table(rows: int = 4) -> str:
    lines = [HEADER] + [f"{0.002 * k},27.0,96.4853,1e4,0,0,{k},0,0,7" for k in range(rows)]
    return "\n".join(lines) + "\n"


def test_a_csv_with_units(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table())
    found = read_series(tmp_path / "a.csv")
    assert float(found["timestep"]) == pytest.approx(2.0)
    np.testing.assert_allclose(found["volume"], 27e3)
    np.testing.assert_allclose(found["energy"], 1.0, rtol=1e-5)
    assert found["stress"].shape == (4, 3, 3)
    assert found["stress"][0, 0, 0] == pytest.approx(0.0062415, rel=1e-4)
    np.testing.assert_allclose(found["stress"][3, 0, 1], found["stress"][3, 1, 0])
    assert set(found) == {"timestep", "volume", "energy", "stress"}


def test_blanks_comments_and_npz(tmp_path: Path) -> None:
    (tmp_path / "b.dat").write_text(
        "# time (fs) jx (e Å/fs) jy (e Å/fs) jz (e Å/fs)\n0 1 2 3\n5 4 5 6\n"
    )
    found = read_series(tmp_path / "b.dat")
    assert float(found["timestep"]) == 5
    np.testing.assert_allclose(found["current"], [[1, 2, 3], [4, 5, 6]])
    np.savez(tmp_path / "c.npz", **{"time (fs)": np.arange(3.0), "enthalpy (eV)": np.ones(3)})
    assert read_series(tmp_path / "c.npz")["enthalpy"].shape == (3,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time (fs),volume (furlong3)\n0,1\n1,1\n", "needs a unit"),
        ("time (fs),volume\n0,1\n1,1\n", "needs a unit"),
        ("volume (Å3)\n1\n2\n", "no column 'time"),
        ("time (fs),volume (Å3)\n0,1\n0,1\n", "do not grow"),
        ("time (fs),volume (Å3)\n0,1\n1,1\n3,1\n", "unequal"),
        ("time (fs),pxx (bar)\n0,1\n1,1\n", "lacks pyy"),
        ("time (fs),jx (e Å/fs)\n0,1\n1,1\n", "lacks 'jy'"),
        ("time (fs),volume (Å3)\n0,one\n", "not a table"),
        ("time (fs),volume (Å3)\n0,1,2\n1,1,2\n", "2 names for 3"),
        ("", "not a table"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises((InputError, FormatError), match=words):
        read_series(tmp_path / "bad.csv")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_series(tmp_path / "none.csv")
