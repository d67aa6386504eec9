"""The force field's equation written out once more, with loops, for tests."""

from __future__ import annotations

from math import acos, cos, pi, sin, sqrt

import numpy as np

from elyte.chemistry import conformer
from elyte.chemistry.conformers import bonds_of
from elyte.reference.classical import find_table

KJ = 0.010364269656262174  # eV
COULOMB = 1389.35457644  # kJ/mol Å


def term(terms, types, *atoms):
    """Return the numbers of a bonded term, whichever way round it is written."""
    key = tuple(types[i].name for i in atoms)
    return terms[key] if key in terms else terms[key[::-1]]


def dihedral(a, b, c, d):
    """Return the angle a–b–c–d, radians, by projecting on the plane across b–c."""
    axis = (c - b) / np.linalg.norm(c - b)
    left = (a - b) - axis * np.dot(a - b, axis)
    right = (d - c) - axis * np.dot(d - c, axis)
    x = np.dot(left, right)
    y = np.dot(np.cross(axis, left), right)
    return float(np.arctan2(y, x))


def energy(name, positions, scale=1.0, improper_of=None):
    """Return the energy of one molecule in vacuum, eV, term by term: (bonded, pairs)."""
    table, types = find_table(name), find_table(name).atoms
    n = len(types)
    linked = {i: set() for i in range(n)}
    for i, j in bonds_of(name).tolist():
        linked[i].add(j)
        linked[j].add(i)
    template = conformer(name).positions
    bonded, distance = 0.0, np.full((n, n), 99)
    for start in range(n):  # bonds between atoms, by breadth
        distance[start, start], front = 0, [start]
        while front:
            nearest = front.pop(0)
            for other in linked[nearest]:
                if distance[start, other] > distance[start, nearest] + 1:
                    distance[start, other] = distance[start, nearest] + 1
                    front.append(other)
    for i, j in bonds_of(name).tolist():
        length, k = term(table.bonds, types, i, j)
        bonded += 0.5 * k * (np.linalg.norm(positions[i] - positions[j]) - length) ** 2
    for j in range(n):
        for i in linked[j]:
            for k in linked[j]:
                if i >= k:
                    continue
                angle, force = term(table.angles, types, i, j, k)
                first = angle_of(template, i, j, k)
                if first > 170 * pi / 180 and angle < 100:
                    continue  # opposite corners of an octahedron
                now = angle_of(positions, i, j, k)
                bonded += 0.5 * force * (now - angle * pi / 180) ** 2
    for j, k in bonds_of(name).tolist():
        for i in linked[j] - {k}:
            for m in linked[k] - {j}:
                if i != m:
                    phi = dihedral(*positions[[i, j, k, m]])
                    bonded += fourier(term(table.dihedrals, types, i, j, k, m), phi)
    for atoms, v2 in (improper_of or {}).items():
        bonded += fourier((0.0, v2, 0.0, 0.0), dihedral(*positions[list(atoms)]))
    pairs = 0.0
    for i in range(n):
        for j in range(i):
            if distance[i, j] < 3:
                continue
            weight = 0.5 if distance[i, j] == 3 else 1.0
            r = np.linalg.norm(positions[i] - positions[j])
            sigma = sqrt(types[i].sigma * types[j].sigma)
            epsilon = sqrt(types[i].epsilon * types[j].epsilon)
            charges = scale**2 * types[i].charge * types[j].charge
            lj = 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6)
            pairs += weight * (COULOMB * charges / r + lj)
    return bonded * KJ, pairs * KJ


def fourier(values, phi):
    """½V₁(1 + cos φ) + ½V₂(1 − cos 2φ) + ½V₃(1 + cos 3φ) + ½V₄(1 − cos 4φ)."""
    v1, v2, v3, v4 = values
    even = v2 * 2 * sin(phi) ** 2 + v4 * 2 * sin(2 * phi) ** 2
    return 0.5 * (v1 * (1 + cos(phi)) + v3 * (1 + cos(3 * phi)) + even)


def angle_of(positions, i, j, k):
    """Return the angle i–j–k, radians."""
    a, b = positions[i] - positions[j], positions[k] - positions[j]
    return acos(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))
