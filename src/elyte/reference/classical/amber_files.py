"""Force-field parameters in AMBER's two text formats: a whole force field, and a supplement.

A whole force field (`gaff2.dat`) is a title, masses, a line of types, bonds, angles, dihedrals,
planar centres, two blocks that are not used, each ended by an empty line, and Lennard-Jones terms
after the word MOD4. A supplement (frcmod, what parmchk2 writes) has the same lines under headings.
Types stand in two columns each, joined by hyphens; X in a dihedral is any type. Numbers stay here
as they are written: kcal/mol, Å, degrees, without a factor ½.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from elyte.core.errors import FormatError

Types = tuple[str, ...]
Numbers = tuple[float, ...]

_HEADINGS = {
    "MASS": "", "BOND": "bonds", "ANGL": "angles", "DIHE": "dihedrals", "IMPR": "impropers",
    "NONB": "atoms",
}  # fmt: skip
_WIDTH = {"bonds": 2, "angles": 3, "dihedrals": 4, "impropers": 4}
_NUMBERS = {"atoms": 2, "bonds": 2, "angles": 2, "dihedrals": 4, "impropers": 3}
_DOUBTFUL = re.compile(r"ATTN")
_PENALTY = re.compile(r"penalty score=\s*(\d+\.?\d*)")


@dataclass(frozen=True)
class Remark:
    """What stands behind the numbers of a line: section, types, text."""

    section: str
    types: Types
    text: str

    @property
    def absent(self) -> bool:
        """Whether parmchk2 found no parameters and wrote zeros."""
        return bool(_DOUBTFUL.search(self.text))

    @property
    def penalty(self) -> float:
        """How unlike the terms are from which parmchk2 took the numbers; 0 where it says none."""
        found = _PENALTY.search(self.text)
        return float(found[1]) if found else 0.0

    def __str__(self) -> str:
        return f"{self.section.rstrip('s')} {'-'.join(self.types)}: {self.text}"


@dataclass(frozen=True)
class Parameters:
    """Terms by the types of their atoms; a term's types stand in one of their two orders.

    Args:
        atoms: type → R* (Å, half the distance of the minimum) and ε (kcal/mol).
        bonds: k of k(r − r₀)² (kcal/mol/Å²) and r₀ (Å).
        angles: k of k(θ − θ₀)² (kcal/mol/rad²) and θ₀ (degrees).
        dihedrals: (barrier, phase, n) of each term barrier·[1 + cos(nφ − phase)], one after the
            other; kcal/mol and degrees.
        impropers: the same for a planar centre, which is the third of the four.
        remarks: of the lines that have one.
    """

    atoms: Mapping[Types, Numbers] = field(default_factory=dict)
    bonds: Mapping[Types, Numbers] = field(default_factory=dict)
    angles: Mapping[Types, Numbers] = field(default_factory=dict)
    dihedrals: Mapping[Types, Numbers] = field(default_factory=dict)
    impropers: Mapping[Types, Numbers] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    def find(self, section: str, types: Types) -> Numbers | None:
        """Return the numbers of a term, the types in either order, or None."""
        table: Mapping[Types, Numbers] = getattr(self, section)
        return table.get(types, table.get(types[::-1]))

    def dihedral(self, types: Types) -> Numbers | None:
        """Return the terms of these four types, or else those of any with the two in the middle."""
        found = self.find("dihedrals", types)
        return self.find("dihedrals", ("X", *types[1:3], "X")) if found is None else found

    def improper(self, centre: str, outer: Iterable[str]) -> tuple[Types, Numbers] | None:
        """Return the term of a planar centre, the outer types in any order, as it is written."""
        wanted = sorted(outer)
        for key, numbers in self.impropers.items():
            if key[2] == centre and sorted((*key[:2], key[3])) == wanted:
                return key, numbers
        return None


def read_force_field(text: str) -> Parameters:
    """Return the parameters of a whole force field.

    Raises:
        FormatError: a block that is missing, or a line that cannot be read.
    """
    lines = text.splitlines()
    blocks = list(_blocks(lines[1:]))
    start = next((k for k, line in enumerate(lines) if line.startswith("MOD4")), None)
    if start is None or len(blocks) < 5:
        raise FormatError("a force-field file of AMBER has five blocks and a line MOD4")
    sections = {
        "atoms": next(_blocks(lines[start + 1 :])),
        "bonds": blocks[1][1:],  # after the line of the hydrophilic types
        "angles": blocks[2],
        "dihedrals": blocks[3],
        "impropers": blocks[4],
    }
    return _parameters(sections)


def read_supplement(text: str) -> Parameters:
    """Return the parameters of a frcmod text.

    Raises:
        FormatError: a line that cannot be read.
    """
    sections: dict[str, list[str]] = {}
    current = ""
    for line in text.splitlines()[1:]:
        heading = line.strip()[:4].upper()
        if heading in _HEADINGS and "-" not in line:
            current = _HEADINGS[heading]
        elif not line.strip():
            current = ""
        elif current:
            sections.setdefault(current, []).append(line)
    return _parameters(sections)


def joined(first: Parameters, second: Parameters) -> Parameters:
    """Return both, where a term of the first replaces the second's."""

    def both(section: str) -> dict[Types, Numbers]:
        own: Mapping[Types, Numbers] = getattr(first, section)
        other: Mapping[Types, Numbers] = getattr(second, section)
        hidden = {_canonical(section, key) for key in own}
        rest = {k: v for k, v in other.items() if _canonical(section, k) not in hidden}
        return {**own, **rest}

    parts = {section: both(section) for section in _NUMBERS}
    return Parameters(**parts, remarks=(*first.remarks, *second.remarks))


def _canonical(section: str, types: Types) -> Types:
    if section == "impropers":
        return (types[2], *sorted((*types[:2], types[3])))
    return min(types, types[::-1])


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for line in lines:
        if line.strip() and line.strip() != "END":
            block.append(line)
        else:
            yield block
            block = []
    yield block


def _parameters(sections: Mapping[str, Iterable[str]]) -> Parameters:
    tables: dict[str, dict[Types, Numbers]] = {section: {} for section in _NUMBERS}
    remarks = []
    for section, lines in sections.items():
        unfinished = False
        for line in lines:
            types, numbers, text = _line(section, line)
            if section == "dihedrals":
                divider, barrier, phase, order = numbers
                term = (barrier / divider, phase, abs(order))
                numbers = (*tables[section][types], *term) if unfinished else term
                unfinished = order < 0  # the next line goes on with the same dihedral
            tables[section][types] = numbers
            if text:
                remarks.append(Remark(section, types, text))
    return Parameters(**tables, remarks=tuple(remarks))


def _line(section: str, line: str) -> tuple[Types, Numbers, str]:
    """Return types, numbers and remark of one line."""
    width, count = _WIDTH.get(section, 0), _NUMBERS[section]
    if width:
        end = 3 * width - 1
        types = tuple(part.strip() for part in line[:end].split("-"))
        words = line[end:].split()
    else:
        first, *words = line.split()
        types = (first,)
    try:
        numbers = tuple(float(word) for word in words[:count])
    except ValueError:
        numbers = ()
    if len(types) != max(width, 1) or not all(types) or len(numbers) != count:
        raise FormatError(f"a line of AMBER's {section} cannot be read: '{line.rstrip()}'")
    if section == "dihedrals" and numbers[0] == 0:
        raise FormatError(f"a dihedral of AMBER has the divider 0: '{line.rstrip()}'")
    return types, numbers, " ".join(words[count:])
