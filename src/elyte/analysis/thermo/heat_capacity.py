"""Heat capacity from the fluctuations of enthalpy or energy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elyte.analysis.checks import positive, runs_of
from elyte.analysis.intervals import ONE_SIGMA, with_intervals
from elyte.analysis.statistics import equilibration_cut, variance
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.units import ATOMIC_MASS, BOLTZMANN, ELEMENTARY_CHARGE

EV_PER_U_TO_J_PER_G = ELEMENTARY_CHARGE / (ATOMIC_MASS * 1000)
_LEAST_SAMPLES = 20.0
_CAVEAT = "classical: vibrations stiffer than k_BT count in full, so it lies above experiment"


def heat_capacity(
    energies: Sequence[ArrayLike],
    mass: float,
    temperature: float,
    constant: str = "pressure",
    least_samples: float = _LEAST_SAMPLES,
) -> Quantity:
    """Return the specific heat capacity from runs with a thermostat.

        c_P = (⟨H²⟩ − ⟨H⟩²) / (m k_B T²),  H = E + P V      at constant pressure
        c_V = (⟨E²⟩ − ⟨E⟩²) / (m k_B T²)                    at constant volume

    (doi:10.1093/oso/9780198803195.001.0001). Nuclei move by classical mechanics: each harmonic mode
    contributes k_B where quantum mechanics has nearly none for bonds with hydrogen. The number
    is right for the model, and two to three times above experiment for an organic liquid with
    flexible bonds. Take differences, or correct it with the vibrational spectrum.

    Args:
        energies: total energy (kinetic and potential) or enthalpy with the imposed pressure, eV,
            (T,) each run, at equal times, from a thermostat and barostat that sample the ensemble.
        mass: of the box, u.
        temperature: K.
        constant: "pressure" (enthalpies) or "volume" (energies).
        least_samples: fewer independent values give no number.

    Returns:
        Quantity in J/(g K) with `details["caveat"]` and `details["heat_capacity_kB"]`, that of
        the whole box in k_B; withheld with a reason when the runs are too short.

    Raises:
        InputError: another shape, bad parameters, energies that do not fluctuate.
    """
    positive(mass=mass, temperature=temperature)
    if constant not in ("pressure", "volume"):
        raise InputError(f"constant is '{constant}'; it must be 'pressure' or 'volume'")
    runs = runs_of(energies, (), "energies")
    if all(np.ptp(x) <= 1e-9 * max(abs(float(x[0])), 1e-300) for x in runs if len(x) > 1):
        raise InputError(
            "the energies do not fluctuate: they are conserved (no thermostat), or the extended "
            "energy of the thermostat was given; give the energy of the particles"
        )
    kept = [x[equilibration_cut(x) :] for x in runs]
    found = variance([x - kept[0][0] for x in kept])  # one shift for all: digits for fluctuations
    name = f"specific heat capacity at constant {constant}"
    fields: dict[str, Any] = {
        "temperature": temperature,
        "method": f"classical fluctuations of {'enthalpy' if constant == 'pressure' else 'energy'}",
    }
    if not found.value > 0 or found.degrees_of_freedom < least_samples:
        reason = f"too short: about {found.degrees_of_freedom:.0f} independent energies"
        return Quantity.withhold(name, "J/(g K)", reason, **fields)
    in_boltzmann = 1 / (BOLTZMANN * temperature) ** 2
    factor = in_boltzmann * BOLTZMANN * EV_PER_U_TO_J_PER_G / mass
    (a, b), (c, d) = (found.interval(p) for p in (ONE_SIGMA, 0.95))
    return with_intervals(
        name,
        found.value * factor,
        (a * factor, b * factor),
        (c * factor, d * factor),
        "J/(g K)",
        details={"caveat": _CAVEAT, "heat_capacity_kB": found.value * in_boltzmann},
        n_effective=found.degrees_of_freedom,
        **fields,
    )
