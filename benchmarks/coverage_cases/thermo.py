"""Response functions from fluctuations, and fits over temperatures and pressures."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases import TEMPERATURE, VOLUME, Case
from elyte.analysis.intervals import with_intervals
from elyte.analysis.thermo.dielectric import dielectric_constant
from elyte.analysis.thermo.expansion import thermal_expansion
from elyte.analysis.thermo.fluctuations import compressibility
from elyte.analysis.thermo.heat_capacity import EV_PER_U_TO_J_PER_G, heat_capacity
from elyte.analysis.thermo.tait import tait_compressibility
from elyte.analysis.transport.arrhenius import EV_TO_KJ_PER_MOL, arrhenius, vogel_fulcher_tammann
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, COULOMB, GPA
from elyte.testing import synthetic

MASS, WIDTH = 6000.0, 2.0  # u, eV
DIPOLE = 3.0  # e Å, along an axis


def volume_fluctuations(frames: int, decay: float, rng: np.random.Generator) -> Quantity:
    """Compressibility from the volume of a barostatted box."""
    volumes = VOLUME + 100 * synthetic.autoregressive(rng, frames, decay)
    return compressibility([volumes], TEMPERATURE)


def energy_fluctuations(frames: int, runs: int, rng: np.random.Generator) -> Quantity:
    """Heat capacity from the enthalpy of a box with a thermostat."""
    energies = [-5e3 + WIDTH * synthetic.autoregressive(rng, frames, 0.9) for _ in range(runs)]
    return heat_capacity(energies, MASS, TEMPERATURE)


def dipole_fluctuations(frames: int, decay: float, rng: np.random.Generator) -> Quantity:
    """Dielectric constant from the dipole of a box."""
    series = DIPOLE * synthetic.autoregressive(rng, frames, decay, (3,))
    return dielectric_constant([series], VOLUME, TEMPERATURE)


def measured(
    rng: np.random.Generator, value: float, relative: float, temperature: float
) -> Quantity:
    """A value that scatters by its error."""
    error = relative * value
    seen = value + error * rng.normal()
    narrow, wide = (seen - error, seen + error), (seen - 1.96 * error, seen + 1.96 * error)
    return with_intervals("x", seen, narrow, wide, "1", temperature=temperature)


def expansion(count: int, quadratic: bool, rng: np.random.Generator) -> Quantity:
    """Thermal expansion of a liquid with α = 8·10⁻⁴/K at 320 K."""
    temperatures = np.linspace(280, 360, count)
    x = temperatures - 320
    values = 1.3 * np.exp(-8e-4 * x + (0.5e-6 * x**2 if quadratic else 0))
    found = [measured(rng, v, 1e-3, t) for v, t in zip(values, temperatures, strict=True)]
    return thermal_expansion(found, 320.0, quadratic)[0]


def tait(relative: float, count: int, rng: np.random.Generator) -> Quantity:
    """Compressibility by the Tait equation with B = 0.08 GPa and C = 0.09."""
    pressures = np.linspace(1e-4, 0.2, count)
    volumes = 0.8 * (1 - 0.09 * np.log((0.08 + pressures) / (0.08 + 1e-4)))
    found = [measured(rng, 1 / v, relative, 300.0) for v in volumes]
    return tait_compressibility(pressures, found, 1e-4)[0]


def activation(count: int, relative: float, rng: np.random.Generator) -> Quantity:
    """Activation energy of a property with 0.2 eV."""
    temperatures = np.linspace(280, 400, count)
    values = 1e3 * np.exp(-0.2 / (BOLTZMANN * temperatures))
    found = [measured(rng, v, relative, t) for v, t in zip(values, temperatures, strict=True)]
    return arrhenius(found)[0]


def glass(which: int, count: int, rng: np.random.Generator) -> Quantity:
    """B = 900 K and T₀ = 180 K of a glass former."""
    temperatures = np.linspace(250, 450, count)
    values = 1e2 * np.exp(-900 / (temperatures - 180))
    found = [measured(rng, v, 0.03, t) for v, t in zip(values, temperatures, strict=True)]
    return vogel_fulcher_tammann(found)[which]


BETA = 100.0**2 * GPA / (VOLUME * BOLTZMANN * TEMPERATURE)
C_P = WIDTH**2 / (BOLTZMANN * TEMPERATURE**2 * MASS) * EV_PER_U_TO_J_PER_G
EPSILON = 1 + 4 * np.pi * COULOMB * DIPOLE**2 / (VOLUME * BOLTZMANN * TEMPERATURE)
TAIT = 0.09 / (0.08 + 1e-4)

CASES = [
    Case("compressibility, 5000 frames", partial(volume_fluctuations, 5000, 0.95), BETA),
    Case("compressibility, 1000 frames", partial(volume_fluctuations, 1000, 0.9), BETA),
    Case("compressibility, 300 frames", partial(volume_fluctuations, 300, 0.8), BETA),
    Case("heat capacity, 3000 values", partial(energy_fluctuations, 3000, 1), C_P),
    Case("heat capacity, 3 runs of 200", partial(energy_fluctuations, 200, 3), C_P),
    Case("dielectric constant, 5000 dipoles", partial(dipole_fluctuations, 5000, 0.95), EPSILON),
    Case("dielectric constant, 400 dipoles", partial(dipole_fluctuations, 400, 0.9), EPSILON),
    Case("thermal expansion, 5 temperatures", partial(expansion, 5, False), 8e-4),
    Case("thermal expansion, curved, 6 temperatures", partial(expansion, 6, True), 8e-4),
    Case("Tait compressibility, 8 pressures, 0.05 %", partial(tait, 5e-4, 8), TAIT),
    Case("Tait compressibility, 5 pressures, 0.2 %", partial(tait, 2e-3, 5), TAIT),
    Case(
        "activation energy, 5 temperatures, 5 %",
        partial(activation, 5, 0.05),
        0.2 * EV_TO_KJ_PER_MOL,
    ),
    Case(
        "activation energy, 3 temperatures, 20 %",
        partial(activation, 3, 0.2),
        0.2 * EV_TO_KJ_PER_MOL,
    ),
    Case("VFT B, 7 temperatures, 3 %", partial(glass, 0, 7), 900.0),
    Case("VFT T₀, 7 temperatures, 3 %", partial(glass, 1, 7), 180.0),
]
