"""A made-up force field for methyl acetate in AMBER's format, and its energy once more, by loops.

The numbers stand here once, as Python; `force_field()` writes them as a file would, so that what
elyte reads from the text is compared with numbers that never went through it.
"""

from __future__ import annotations

from math import cos, pi, radians, sqrt

import numpy as np
from classical_naive import COULOMB, angle_of, dihedral

from elyte.chemistry import conformer

NAME = "smiles:COC(C)=O"
TYPES = ("c3", "os", "c", "c3", "o", "h1", "h1", "h1", "hc", "hc", "hc")
CHARGES = (0.12, -0.44, 0.63, -0.15, -0.54, 0.05, 0.05, 0.05, 0.07, 0.08, 0.08)
FAIR = (0.12, -0.44, 0.63, -0.15, -0.54, 0.05, 0.05, 0.05, 0.23 / 3, 0.23 / 3, 0.23 / 3)
BONDS = [(0, 1), (1, 2), (2, 3), (2, 4), (0, 5), (0, 6), (0, 7), (3, 8), (3, 9), (3, 10)]
KJ = 0.010364269656262174  # kJ/mol in eV
KCAL = 4.184 * KJ

ATOMS = {"c3": (1.9, 0.11), "os": (1.75, 0.08), "c": (1.86, 0.1), "o": (1.7, 0.15),
         "h1": (1.36, 0.02), "hc": (1.46, 0.021)}  # fmt: skip
BOND_TERMS = {"c3-os": (280.0, 1.43), "os-c": (380.5, 1.35), "c-c3": (310.25, 1.52),
              "c-o": (640.0, 1.22), "c3-h1": (330.0, 1.1), "c3-hc": (331.0, 1.09)}  # fmt: skip
ANGLE_TERMS = {"c3-os-c": (63.5, 116.0), "h1-c3-os": (51.0, 109.5), "os-c-c3": (69.0, 110.5),
               "os-c-o": (75.0, 123.0), "c-c3-hc": (47.0, 109.0), "c3-c-o": (67.0, 123.5),
               "h1-c3-h1": (39.0, 108.5), "hc-c3-hc": (39.5, 107.5)}  # fmt: skip
# (divider, barrier, phase, n): one line each in the file
TORSIONS = {
    "c3-os-c-c3": [(1, 2.7, 180.0, 2), (1, 1.15, 0.0, 3)],
    "o-c-os-c3": [(1, 2.7, 180.0, 2), (2, 1.4, 180.0, 1)],
    "X-c-c3-X": [(6, 0.9, 0.0, 2)],
    "X-c3-os-X": [(3, 1.15, 0.0, 3)],
    "o-c-c3-hc": [(1, 0.8, 0.0, 1), (1, 0.08, 180.0, 3)],
}
PLANAR = (10.5, 180.0, 2)
"""Of c3-o-c-os; the supplement replaces it by 1.1."""

SUPPLEMENT = """remark
MASS

BOND

ANGLE

DIHE
X -c -c3-X    1    0.700         0.000          -2.000      same as X -c3-c3-X , penalty score=  3.0
X -c -c3-X    1    0.300       180.000           1.000      same as X -c3-c3-X , penalty score= 31.0

IMPROPER
c3-o -c -os         1.1          180.0         2.0          Using the default value

NONBON


"""
SUPPLIED = {"X-c-c3-X": [(1, 0.7, 0.0, 2), (1, 0.3, 180.0, 1)]}


def columns(types):
    """Return types as they stand in a file, two columns each."""
    return "-".join(f"{name:<2s}" for name in types.split("-"))


def force_field():
    """Return the text of the whole force field."""
    lines = ["A made-up force field (Version 0.1)"]
    lines += [f"{name:<2s} 12.01         0.616               remark" for name in ATOMS]
    lines += ["", "hc  h1"]
    lines += [f"{columns(t)}  {k:8.2f}  {r:8.4f}       made up  7" for t, (k, r) in
              BOND_TERMS.items()]  # fmt: skip
    lines += [""]
    lines += [f"{columns(t)} {k:8.2f}  {a:9.3f}      made up" for t, (k, a) in ANGLE_TERMS.items()]
    lines += [""]
    for types, terms in TORSIONS.items():
        for index, (divider, barrier, phase, n) in enumerate(terms):
            sign = -1 if index < len(terms) - 1 else 1
            lines.append(f"{columns(types)}   {divider}  {barrier:8.3f} {phase:10.3f} {sign * n}.")
    barrier, phase, n = PLANAR
    lines += ["", f"{columns('c3-o-c-os')}    {barrier}   {phase:.0f}.   {n}.     made up"]
    lines += ["", "  hw  ow  0000.     0000.      4.", "", "", "MOD4      RE"]
    lines += [f"  {name:<2s}  {r:14.4f}  {e:.4f}   remark" for name, (r, e) in ATOMS.items()]
    return "\n".join([*lines, "", "END", "", "anything at all", ""])


def mol2():
    """Return what antechamber would write."""
    rows = [
        f"{i + 1:7d} A{i + 1:<5d} 0.0 0.0 0.0 {kind:<4s} 1 MOL {charge:10.6f}"
        for i, (kind, charge) in enumerate(zip(TYPES, CHARGES, strict=True))
    ]
    return "\n".join(
        ["@<TRIPOS>MOLECULE", "MOL", "@<TRIPOS>ATOM", *rows, "@<TRIPOS>BOND", "1 1 2 1", ""]
    )


def fitting(terms, *names):
    """Return the numbers of a term, exact before X, whichever way round it is written."""
    for wanted in (names, ("X", *names[1:-1], "X")):
        for key in ("-".join(wanted), "-".join(wanted[::-1])):
            if key in terms:
                return terms[key]
    raise KeyError(names)


def energy(positions, charges=FAIR, torsions=TORSIONS, planar=PLANAR):
    """Return the energy of the molecule in vacuum, eV."""
    near = {i: [b if a == i else a for a, b in BONDS if i in (a, b)] for i in range(11)}
    total, links = 0.0, {}
    for i, j in BONDS:
        k, r0 = fitting(BOND_TERMS, TYPES[i], TYPES[j])
        total += k * (np.linalg.norm(positions[i] - positions[j]) - r0) ** 2
        links[i, j] = 1
    for j in range(11):
        for i in near[j]:
            for m in near[j]:
                if i < m:
                    k, a0 = fitting(ANGLE_TERMS, TYPES[i], TYPES[j], TYPES[m])
                    total += k * (angle_of(positions, i, j, m) - radians(a0)) ** 2
                    links.setdefault((i, m), 2)
    for j, k in BONDS:
        for i in near[j]:
            for m in near[k]:
                if i != k and m != j:
                    phi = dihedral(*positions[[i, j, k, m]])
                    for divider, barrier, phase, n in fitting(
                        torsions, TYPES[i], TYPES[j], TYPES[k], TYPES[m]
                    ):
                        total += barrier / divider * (1 + cos(n * phi - radians(phase)))
                    links.setdefault((min(i, m), max(i, m)), 3)
    barrier, phase, n = planar
    chi = dihedral(*positions[[3, 4, 2, 1]])
    total += barrier * (1 + cos(n * chi - phase * pi / 180))
    pairs = 0.0
    for i in range(11):
        for j in range(i):
            apart = links.get((j, i), links.get((i, j), 4))
            if apart < 3:
                continue
            r = np.linalg.norm(positions[i] - positions[j])
            (half_i, deep_i), (half_j, deep_j) = ATOMS[TYPES[i]], ATOMS[TYPES[j]]
            lowest = (half_i + half_j) / r
            lj = KCAL * sqrt(deep_i * deep_j) * (lowest**12 - 2 * lowest**6)
            coulomb = KJ * COULOMB * charges[i] * charges[j] / r
            pairs += coulomb / 1.2 + lj / 2 if apart == 3 else coulomb + lj
    return total * KCAL + pairs


def rattled(name, size=0.1, seed=1):
    """Return a conformer whose atoms are moved a little."""
    frame = conformer(name)
    shift = np.random.default_rng(seed).normal(0, size, frame.positions.shape)
    return frame.moved(frame.positions + shift)
