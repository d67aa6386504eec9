"""A report that looks like one of a real run, from made-up numbers with a fixed seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame, Quantity
from elyte.report import CurveData, ParityData, ReportData, RoundRecord, cite

TEMPERATURES = (350.0, 400.0)
RECIPE = """\
# LiPF6 in ethylene carbonate, above the melting point of the solvent
name: 1 mol/L LiPF6 in EC
components:
  - {species: Li+, amount: 1.0 mol/L}
  - {species: PF6-, amount: 1.0 mol/L}
  - {species: EC, amount: rest}
temperature: [350 K, 400 K]
potential: {family: mtp, level: 16, cutoff: 5.0}
seed: 7
"""


def _template_ec() -> tuple[list[int], NDArray[np.float64]]:
    """Return a flat ethylene carbonate, good enough for the eye."""
    angles = np.radians(90 + 72 * np.arange(5))
    ring = 1.17 * np.array([np.cos(angles), np.sin(angles), 0 * angles]).T
    numbers, places = [6, 8, 6, 6, 8, 8], [*ring, ring[0] * (2.37 / 1.17)]
    for carbon in (2, 3):
        outward = ring[carbon] / 1.17
        for side in (-1, 1):
            places.append(ring[carbon] + 0.62 * outward + np.array([0, 0, 0.89 * side]))
            numbers.append(1)
    return numbers, np.array(places)


def _template_pf6() -> tuple[list[int], NDArray[np.float64]]:
    return [15] + [9] * 6, np.vstack([np.zeros(3), 1.6 * np.eye(3), -1.6 * np.eye(3)])


def box() -> tuple[Frame, list[str], list[float]]:
    """Return a box of 59 EC and 5 LiPF6 on a shaken grid, with names and charges."""
    rng = np.random.default_rng(3)
    side, length = 4, 19.6
    cells = rng.permutation(side**3)
    kinds = ["PF6"] * 5 + ["EC"] * (side**3 - 5)
    numbers: list[int] = []
    places, molecules, names, charges = [], [], [], []

    def add(of: list[int], at: NDArray[np.float64], name: str, charge: float) -> None:
        numbers.extend(of)
        places.append(at)
        molecules.extend([len(names)] * len(of))
        names.append(name)
        charges.append(charge)

    for kind, cell in zip(kinds, cells, strict=True):
        of, template = _template_pf6() if kind == "PF6" else _template_ec()
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        centre = (np.array(np.unravel_index(cell, (side,) * 3)) + 0.5) * length / side
        centre = centre + rng.normal(scale=0.25, size=3)
        add(of, template @ turn + centre, kind, -1.0 if kind == "PF6" else 0.0)
        if kind == "PF6":
            add([3], (centre + np.array([2.45, 2.45, 0.3]))[None], "Li", 1.0)
    positions = np.vstack(places) % length
    frame = Frame(np.array(numbers), positions, length * np.eye(3), True, np.array(molecules))
    return frame, names, charges


def _quantities() -> list[Quantity]:
    found = []
    for i, kelvin in enumerate(TEMPERATURES):
        at = {"temperature": kelvin}
        blocks = "mean of 3 NPT runs, errors from blocks"
        found.append(Quantity("density", 1.3312 - 0.0513 * i, 0.0041, "g/cm³", blocks, 41.0, **at))
        shells = "integral of g(r) to its first minimum"
        for species, value in (("Li–O(EC)", 3.42), ("Li–F(PF6)", 0.91), ("Li–P", 0.62)):
            found.append(
                Quantity(
                    "coordination number", value - 0.08 * i, 0.09, "1", shells, 12, species, **at
                )
            )
        for species, value in (("SSIP", 0.48), ("CIP", 0.40), ("AGG", 0.12)):
            found.append(
                Quantity("fraction", value, 0.05, "1", "Li–P within 4.3 Å", 9, species, **at)
            )
        slope = "Einstein, slope over 10–60 ps, 3 runs"
        for species, value in (("Li", 2.31e-10), ("PF6", 3.05e-10), ("EC", 6.42e-10)):
            grown = value * (1 + 0.92 * i)
            found.append(
                Quantity(
                    "self-diffusion coefficient",
                    grown,
                    0.11 * grown,
                    "m²/s",
                    slope,
                    3,
                    species,
                    **at,
                )
            )
        nernst = "Nernst–Einstein, from the self-diffusion coefficients"
        found.append(
            Quantity("conductivity (Nernst–Einstein)", 1.72 + i, 0.21, "S/m", nernst, 3, **at)
        )
    found.append(
        Quantity(
            "conductivity", 1.31, 0.34, "S/m", "Green–Kubo, plateau 2–6 ps", 3, temperature=350
        )
    )
    found.append(
        Quantity.withhold(
            "conductivity",
            "S/m",
            "no plateau: the running integral still rises at its end",
            temperature=400.0,
            n_effective=3,
        )
    )
    found.append(Quantity("transference number", 0.431, 0.037, "1", "D₊/(D₊ + D₋)", 3, "Li", 350.0))
    return found


def _curves() -> list[CurveData]:
    r = np.linspace(0.05, 9.0, 180)
    curves = []
    for kelvin in TEMPERATURES:
        width = 0.11 * np.sqrt(kelvin / 350)
        for species, place, height in (
            ("Li–O(EC)", 1.98, 11.0),
            ("Li–F(PF6)", 1.95, 6.0),
            ("Li–P", 3.3, 7.5),
        ):
            g = 1 / (1 + np.exp(-(r - place - 1.4) * 5))
            g = g * (1 + 0.25 * np.cos(3 * (r - place)) * np.exp(-0.4 * r))
            g = g + height * np.exp(-0.5 * ((r - place) / (2.2 * width)) ** 2)
            n = np.cumsum(4 * np.pi * r**2 * g) * (r[1] - r[0]) * 0.004
            same = {"x_unit": "Å", "species": species, "temperature": kelvin}
            curves.append(CurveData("g(r)", r, g, 0.05 * g + 0.01, group="rdf", **same))
            curves.append(CurveData("N(r)", r, n, 0.04 * n, group="coordination", **same))
        t = np.arange(0.05, 100, 0.05)
        for species, slow in (("Li", 0.14), ("PF6", 0.18), ("EC", 0.38)):
            slow = slow * (kelvin / 350) ** 4
            msd = slow * t + 0.8 * (1 - np.exp(-((t / 0.3) ** 2)))
            curves.append(
                CurveData(
                    "mean squared displacement",
                    t,
                    msd,
                    0.03 * msd * np.sqrt(t / 10),
                    "ps",
                    "Å²",
                    species=species,
                    temperature=kelvin,
                    group="msd",
                    window=(10, 60),
                )
            )
        lag = np.arange(0, 10, 0.02)
        running = 1.31 * (1 - np.exp(-lag / 0.2)) + 0.9 * np.exp(-lag / 0.3) * np.sin(9 * lag)
        rising = 0.12 * lag * (kelvin > 350)
        curves.append(
            CurveData(
                "conductivity",
                lag,
                running + rising,
                0.1 * np.sqrt(lag + 0.01),
                "ps",
                "S/m",
                "Green–Kubo",
                "",
                kelvin,
                "conductivity",
                window=(2, 6),
            )
        )
        for shares in ([0.48, 0.40, 0.12],):
            curves.append(
                CurveData(
                    "fraction of Li",
                    [],
                    np.array(shares) + 0.0002 * (kelvin - 350),
                    np.full(3, 0.05),
                    "",
                    "",
                    "",
                    "",
                    kelvin,
                    "speciation",
                    ["SSIP", "CIP", "AGG"],
                )
            )
    return curves


def _series() -> list[CurveData]:
    rng = np.random.default_rng(5)
    time = np.arange(0, 200, 0.1)
    series = []
    for kelvin in TEMPERATURES:
        for run in range(2):
            noise = np.convolve(rng.normal(size=len(time) + 49), np.ones(50) / 50, "valid")
            approach = np.exp(-time / 12)
            for name, unit, value in (
                ("density", "g/cm³", 1.33 - 0.001 * (kelvin - 350) - 0.2 * approach + 0.05 * noise),
                ("temperature", "K", kelvin + 14 * rng.normal(size=len(time))),
                ("potential energy", "eV/atom", -4.8121 - 0.004 * (1 - approach) + 0.003 * noise),
            ):
                series.append(
                    CurveData(
                        name,
                        time,
                        value,
                        None,
                        "ps",
                        unit,
                        f"run {run + 1}",
                        temperature=kelvin,
                        window=(40, 200),
                    )
                )
    return series


def _rounds() -> list[RoundRecord]:
    unseen = [None, 0.214, 0.163, 0.127, 0.104, 0.091]
    train = [0.061, 0.066, 0.070, 0.072, 0.073, 0.074]
    grades = [None, 38.0, 17.2, 9.1, 3.4, 1.8]
    new = [48, 30, 28, 24, 15, 8]
    return [
        RoundRecord(
            i,
            sum(new[: i + 1]),
            new[i],
            train[i],
            unseen[i],
            0.0021,
            grades[i],
            [0, 6, 4, 2, 0, 0][i],
            0.7 * new[i],
            40 + 10 * i,
            25 if i else 0,
            "start set of 48 packings" if i == 0 else "",
            6 if i else 0,
            [2, 1, 0, 0, 0, 0][i],
        )
        for i in range(6)
    ]


def _parity() -> list[ParityData]:
    rng = np.random.default_rng(9)
    elements = rng.choice(
        ["H", "C", "O", "Li", "F", "P"], 9000, p=[0.3, 0.25, 0.25, 0.05, 0.12, 0.03]
    )
    scale = {"H": 0.6, "C": 1.5, "O": 1.2, "Li": 0.5, "F": 1.1, "P": 2.2}
    spread = np.array([scale[e] for e in elements])
    reference = rng.normal(size=9000) * spread
    predicted = reference + rng.normal(size=9000) * 0.075 * spread
    energy = -4.815 + 0.006 * rng.normal(size=60)
    note = "60 frames of the production at all temperatures"
    return [
        ParityData("forces", reference, predicted, "eV/Å", list(elements), note),
        ParityData("energies", energy, energy + 0.0016 * rng.normal(size=60), "eV/atom", (), note),
    ]


def example() -> ReportData:
    """Return the report."""
    frame, names, charges = box()
    return ReportData(
        title="1 mol/L LiPF₆ in ethylene carbonate",
        subtitle="GFN1-xTB labels, moment tensor potential of level 16, 350 and 400 K, 1 bar",
        recipe_text=RECIPE,
        realised=[
            ("Production box", "5 Li⁺, 5 PF₆⁻, 59 EC (630 atoms)"),
            ("Boxes for labels", "1 Li⁺, 1 PF₆⁻, 12 EC (128 atoms)"),
            ("Concentration", "1.02 mol/L (asked for 1.00 mol/L)"),
            ("Molality", "0.84 mol/kg"),
            ("Reference", "GFN1-xTB, electronic temperature 300 K"),
        ],
        quantities=_quantities(),
        curves=_curves(),
        rounds=_rounds(),
        parity=_parity(),
        frame=frame,
        series=_series(),
        provenance=[
            ("elyte", "0.1.0"),
            ("tblite", "0.8.0"),
            ("Packmol", "21.2.3"),
            ("NumPy", "2.4.6"),
            ("Seed", "7"),
            ("Timestep", "1 fs"),
            ("Thermostat", "Bussi, 100 fs"),
        ],
        warnings=[
            "6 of 6 trajectories of round 1 were stopped: extrapolation grade above 10.",
            "3 labels are quarantined: the SCF did not converge in 250 iterations.",
        ],
        elapsed=[
            ("labels", 107.0),
            ("training", 390.0),
            ("exploration", 125.0),
            ("production", 412.0),
            ("analysis", 21.0),
        ],
        citations=cite(["mtp", "maxvol", "gfn1-xtb", "packmol", "ase", "bussi", "scr", "blocks"]),
        molecule_names=names,
        molecule_charges=charges,
        force_target=0.12,
    )
