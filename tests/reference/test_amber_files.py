"""AMBER's parameter files: what stands in them is found, and what does not is an error."""

from __future__ import annotations

import pytest
import small_field as field

from elyte.core.errors import FormatError
from elyte.reference.classical.amber_files import (
    joined,
    read_force_field,
    read_supplement,
)


def test_a_force_field_is_read_whole():
    found = read_force_field(field.force_field())
    assert found.atoms == {(name,): numbers for name, numbers in field.ATOMS.items()}
    assert found.bonds == {tuple(k.split("-")): v for k, v in field.BOND_TERMS.items()}
    assert found.angles == {tuple(k.split("-")): v for k, v in field.ANGLE_TERMS.items()}
    assert found.impropers == {("c3", "o", "c", "os"): (10.5, 180.0, 2.0)}
    assert set(found.dihedrals) == {tuple(k.split("-")) for k in field.TORSIONS}


def test_the_terms_of_one_dihedral_stand_in_several_lines():
    found = read_force_field(field.force_field())
    assert found.dihedrals["o", "c", "os", "c3"] == (2.7, 180.0, 2.0, 0.7, 180.0, 1.0)
    assert found.dihedrals["X", "c", "c3", "X"] == (0.9 / 6, 0.0, 2.0)


def test_terms_are_found_either_way_and_exact_ones_before_general_ones():
    found = read_force_field(field.force_field())
    assert found.find("bonds", ("os", "c3")) == (280.0, 1.43)
    assert found.find("angles", ("o", "c", "os")) == (75.0, 123.0)
    assert found.find("bonds", ("o", "o")) is None
    assert found.dihedral(("hc", "c3", "c", "o")) == (0.8, 0.0, 1.0, 0.08, 180.0, 3.0)
    assert found.dihedral(("hc", "c3", "c", "os")) == (0.15, 0.0, 2.0)
    assert found.dihedral(("h1", "c3", "os", "c")) == (1.15 / 3, 0.0, 3.0)
    assert found.dihedral(("h1", "o", "os", "c")) is None
    assert found.improper("c", ["os", "c3", "o"]) == (("c3", "o", "c", "os"), (10.5, 180.0, 2.0))
    assert found.improper("os", ["c", "c3", "o"]) is None


def test_a_supplement_goes_before_the_force_field():
    supplement = read_supplement(field.SUPPLEMENT)
    found = joined(supplement, read_force_field(field.force_field()))
    assert found.dihedral(("hc", "c3", "c", "os")) == (0.7, 0.0, 2.0, 0.3, 180.0, 1.0)
    assert found.improper("c", ["c3", "os", "o"]) == (("c3", "o", "c", "os"), (1.1, 180.0, 2.0))
    assert found.find("bonds", ("c3", "os")) == (280.0, 1.43)
    turned = read_supplement("remark\nBOND\nos-c3  1.00   2.000     Calculated\n")
    assert joined(turned, found).bonds["os", "c3"] == (1.0, 2.0)
    assert ("c3", "os") not in joined(turned, found).bonds
    other = read_supplement("remark\nIMPROPER\nos-o -c -c3   3.3   180.0   2.0\n")
    assert len(joined(other, found).impropers) == 1


def test_what_parmchk2_doubts_is_remarked():
    text = (
        "remark\nBOND\nc3-n+  0.00   0.000       ATTN, need revision\n\n"
        "ANGLE\nc3-n+-c3   60.1  111.20   same as c3-n -c3, penalty score=  21.5\n"
        "c3-c3-c3   60.1  111.20\n\n"
    )
    first, second = read_supplement(text).remarks
    assert (first.absent, first.penalty, first.types) == (True, 0.0, ("c3", "n+"))
    assert (second.absent, second.penalty) == (False, 21.5)
    assert str(second) == "angle c3-n+-c3: same as c3-n -c3, penalty score= 21.5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("remark\nBOND\nc3-os  many   1.43\n", "bonds cannot be read: 'c3-os  many"),
        ("remark\nBOND\nc3-os  310.0\n", "bonds cannot be read"),
        ("remark\nANGLE\nc3-os  60.0  111.0\n", "angles cannot be read"),
        ("remark\nNONBON\n  c3  1.9\n", "atoms cannot be read"),
        ("remark\nDIHE\nX -c3-c3-X    0    1.400         0.000     3.000\n", "divider 0"),
    ],
)
def test_lines_that_cannot_be_read_are_shown(text, words):
    with pytest.raises(FormatError, match=words):
        read_supplement(text)


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(FormatError, match="MOD4"):
        read_force_field("title\nsomething\n")
    with pytest.raises(FormatError, match="five blocks"):
        read_force_field("title\nmass\n\nMOD4 RE\n  c3 1.9 0.1\n")
