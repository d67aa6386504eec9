"""Diffusion, conductivity, Onsager coefficients, viscosity, rotation, van Hove."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from coverage_cases import STEP, TEMPERATURE, VOLUME, Case, band
from elyte.analysis.transport.diffusion import green_kubo_diffusion, self_diffusion, yeh_hummer
from elyte.analysis.transport.finite_size import corrected_for_size, extrapolated_to_infinity
from elyte.analysis.transport.nernst_einstein import nernst_einstein, ratio, transport_numbers
from elyte.analysis.transport.onsager import (
    collective,
    conductivity,
    conductivity_from_current,
    onsager,
    onsager_quantities,
)
from elyte.analysis.transport.regime import log_log_slope
from elyte.analysis.transport.rotation import rotational_relaxation
from elyte.analysis.transport.van_hove import non_gaussian_parameter
from elyte.analysis.transport.viscosity import (
    TO_PASCAL_SECOND,
    viscosity,
    viscosity_from_moments,
)
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, CONDUCTIVITY_TO_S_PER_M
from elyte.testing import synthetic

SIGMA = CONDUCTIVITY_TO_S_PER_M / (2 * VOLUME * BOLTZMANN * TEMPERATURE * STEP)
L_MATRIX = np.array([[1.0, -0.4], [-0.4, 2.0]])
WEIGHT = 1e-5 / (2 * STEP)  # slope per frame along an axis → m²/s
SHEAR = 1e-3  # eV/Å³, standard deviation of P_xy


def brownian_d(frames: int, particles: int, runs: int, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of Brownian walkers."""
    walks = [synthetic.brownian(rng, frames, particles, 1.0) for _ in range(runs)]
    return self_diffusion(walks, STEP)[0]


def langevin_d(frames: int, particles: int, tau: float, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of particles with inertia, from positions."""
    return self_diffusion([synthetic.langevin(rng, frames, particles, tau, 0.5)[0]], STEP)[0]


def langevin_gk(frames: int, particles: int, tau: float, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of particles with inertia, from velocities."""
    velocities = synthetic.langevin(rng, frames, particles, tau, 0.5)[1] / STEP
    return green_kubo_diffusion([velocities], STEP)[0]


def caged_d(frames: int, particles: int, rng: np.random.Generator) -> Quantity:
    """Self-diffusion of walkers that rattle in cages of 0.35 Å."""
    walk = synthetic.caged(rng, frames, particles, 0.02, 8.0, 0.35)
    return self_diffusion([walk], STEP)[0]


def current_sigma(frames: int, tau: float, runs: int, rng: np.random.Generator) -> Quantity:
    """Conductivity from a bare series of currents."""
    series = [synthetic.langevin(rng, frames, 1, tau, 0.5)[1][:, 0] / STEP for _ in range(runs)]
    return conductivity_from_current(series, STEP, VOLUME, TEMPERATURE)


def einstein_sigma(frames: int, rng: np.random.Generator) -> Quantity:
    """Conductivity from the collective dipole of correlated ions."""
    walks = synthetic.correlated_walks(rng, frames, L_MATRIX)
    return conductivity([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)[0]


def onsager_part(name: str, species: str, frames: int, rng: np.random.Generator) -> Quantity:
    """Parts of the conductivity and transference numbers of correlated ions."""
    walks = synthetic.correlated_walks(rng, frames, L_MATRIX)
    total = collective([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)
    parts = onsager([list(walks)], ["a", "b"], STEP, VOLUME, TEMPERATURE, total)
    found = onsager_quantities(parts, TEMPERATURE, "barycentric")
    return next(q for q in found if q.name.startswith(name) and q.species == species)


def independent_ions(what: str, frames: int, ions: int, rng: np.random.Generator) -> Quantity:
    """Nernst–Einstein, transport number and ionicity of ions that do not know each other."""
    plus = synthetic.brownian(rng, frames, ions, 1.0)
    minus = synthetic.brownian(rng, frames, ions, 2.0)
    table = [
        ("a", ions, 1.0, self_diffusion([plus], STEP)[0]),
        ("b", ions, -1.0, self_diffusion([minus], STEP)[0]),
    ]
    free = nernst_einstein(table, VOLUME, TEMPERATURE)
    if what == "number":
        return transport_numbers(table)[0]
    if what == "free":
        return free
    dipole = plus.sum(axis=1) - minus.sum(axis=1)
    sigma = conductivity([dipole], STEP, VOLUME, TEMPERATURE)[0]
    if what == "Haven":
        return ratio("Haven ratio", free, sigma, "")
    return ratio("ionicity", sigma, free, "")


def pressure_tensor(rng: np.random.Generator, frames: int, decay: float) -> np.ndarray:
    """An isotropic pressure tensor whose traceless components decay exponentially."""
    xy, xz, yz, a, b, trace = (SHEAR * synthetic.autoregressive(rng, frames, decay, (6,))).T
    p = np.zeros((frames, 3, 3))
    p[:, 0, 1] = p[:, 1, 0] = xy
    p[:, 0, 2] = p[:, 2, 0] = xz
    p[:, 1, 2] = p[:, 2, 1] = yz
    # (xx − yy)/2 = a and (xx + yy − 2zz)/(2√3) = b.
    p[:, 0, 0], p[:, 1, 1], p[:, 2, 2] = a + b / 3**0.5, -a + b / 3**0.5, -2 * b / 3**0.5
    return p + trace[:, None, None] * np.eye(3)


def shear(frames: int, decay: float, runs: int, rng: np.random.Generator) -> Quantity:
    """Viscosity from the pressure tensor."""
    tensors = [pressure_tensor(rng, frames, decay) for _ in range(runs)]
    return viscosity(tensors, STEP, VOLUME, TEMPERATURE)[0]


def helfand(frames: int, rng: np.random.Generator) -> Quantity:
    """Viscosity from the integrated pressure tensor, of a process without memory."""
    moments = np.cumsum(pressure_tensor(rng, frames, 0.0), axis=0) * STEP
    return viscosity_from_moments([moments], STEP, VOLUME, TEMPERATURE)


def shear_truth(decay: float) -> float:
    """V/(k_B T) of the sum of the autocorrelation, the zeroth lag once."""
    total = SHEAR**2 * (1 + decay) / (1 - decay) / 2
    return VOLUME / (BOLTZMANN * TEMPERATURE) * total * STEP * TO_PASCAL_SECOND


def corrected(
    frames: int, particles: int, values: int, length: float, rng: np.random.Generator
) -> Quantity:
    """Self-diffusion of an infinite box, from Brownian walkers and their pressure tensor."""
    walk = synthetic.brownian(rng, frames, particles, 1.0)
    diffusion = replace(self_diffusion([walk], STEP)[0], temperature=TEMPERATURE)
    eta = viscosity([pressure_tensor(rng, values, 0.8)], STEP, VOLUME, TEMPERATURE)[0]
    return corrected_for_size(diffusion, eta, length)


def sizes(what: int, relative: float, rng: np.random.Generator) -> Quantity:
    """D of an infinite box, or the viscosity, from boxes of 20, 30 and 45 Å."""
    lengths = [20.0, 30.0, 45.0]
    shift = yeh_hummer(0.0, TEMPERATURE, ETA, 1.0)
    found = []
    for length in lengths:
        error = relative * FREE
        seen = FREE - shift / length + error * rng.normal()
        found.append(replace(band(seen, error), unit="m²/s", temperature=TEMPERATURE))
    return extrapolated_to_infinity(found, lengths)[what]


def exponent(frames: int, particles: int, size: float, rng: np.random.Generator) -> Quantity:
    """Log–log slope of the displacement of walkers that rattle besides, from 10 to 20 frames."""
    walk = synthetic.caged(rng, frames, particles, 0.02, 8.0, size)
    return log_log_slope([walk], STEP, 10)


def exponent_truth(size: float) -> float:
    """log₂ of the displacement at 20 over that at 10 frames."""
    near, far = (0.02 * t + 2 * size**2 * (1 - np.exp(-t / 8)) for t in (10, 20))
    return float(np.log2(far / near))


def infinite(length: float) -> float:
    """D of the walkers and the shift by their true viscosity."""
    return yeh_hummer(WEIGHT, TEMPERATURE, shear_truth(0.8), length)


def rotation(frames: int, molecules: int, order: int, rng: np.random.Generator) -> Quantity:
    """Rotational relaxation of molecules that turn by 0.2 rad a frame."""
    vectors = synthetic.rotor(rng, frames, molecules, 0.2)
    return rotational_relaxation([vectors], STEP, order)[0]


def alpha_2(frames: int, particles: int, mixed: bool, rng: np.random.Generator) -> Quantity:
    """Non-Gaussian parameter of walkers of one kind, or of slow and fast ones."""
    walk = synthetic.brownian(rng, frames, particles, 1.0)
    if mixed:
        walk *= np.where(rng.random(particles) < 0.5, 1.0, 2.0)[:, None]
    return non_gaussian_parameter([walk], STEP, 5 * STEP)


EDGE = 20.0  # Å
FREE, ETA = 1e-9, 1e-3  # m²/s and Pa s, of the boxes of three sizes
ROTOR = STEP / 1000
MIXED = (1 + 16) / 2 / ((1 + 4) / 2) ** 2 - 1

CASES = [
    Case("D, Brownian, 30 particles × 1000", partial(brownian_d, 1000, 30, 1), WEIGHT),
    Case("D, Brownian, 1 particle × 100", partial(brownian_d, 100, 1, 1), WEIGHT),
    Case("D, Brownian, 3 runs of 4 × 60", partial(brownian_d, 60, 4, 3), WEIGHT),
    Case("D, inertia, 20 particles × 500", partial(langevin_d, 500, 20, 5.0), WEIGHT),
    Case("D, inertia, 8 particles × 200", partial(langevin_d, 200, 8, 3.0), WEIGHT),
    Case("D, inertia, from velocities, 20 × 500", partial(langevin_gk, 500, 20, 5.0), WEIGHT),
    Case("D, inertia, from velocities, 8 × 200", partial(langevin_gk, 200, 8, 3.0), WEIGHT),
    Case("D, caged, 20 particles × 1000", partial(caged_d, 1000, 20), 0.02 * WEIGHT),
    Case("D, caged, 8 particles × 400", partial(caged_d, 400, 8), 0.02 * WEIGHT),
    Case("σ from currents, 2000 values, τ = 5", partial(current_sigma, 2000, 5.0, 1), SIGMA),
    Case("σ from currents, 10 runs of 500, τ = 5", partial(current_sigma, 500, 5.0, 10), SIGMA),
    Case("σ from currents, 300 values, τ = 3", partial(current_sigma, 300, 3.0, 1), SIGMA),
    Case("σ, Einstein, 1000 frames", partial(einstein_sigma, 1000), 2.2 * SIGMA),
    Case("σ, Einstein, 60 frames", partial(einstein_sigma, 60), 2.2 * SIGMA),
    Case("σ_ab of Onsager, 500 frames", partial(onsager_part, "Ons", "a, b", 500), -0.4 * SIGMA),
    Case("σ_ab of Onsager, 60 frames", partial(onsager_part, "Ons", "a, b", 60), -0.4 * SIGMA),
    Case("σ_aa of Onsager, 500 frames", partial(onsager_part, "Ons", "a, a", 500), SIGMA),
    Case("σ_aa of Onsager, 60 frames", partial(onsager_part, "Ons", "a, a", 60), SIGMA),
    Case("transference number, 500 frames", partial(onsager_part, "transf", "a", 500), 0.6 / 2.2),
    Case("transference number, 60 frames", partial(onsager_part, "transf", "a", 60), 0.6 / 2.2),
    Case("σ_NE, 2 × 8 ions × 200", partial(independent_ions, "free", 200, 8), 24 * SIGMA),
    Case("transport number, 2 × 8 ions × 200", partial(independent_ions, "number", 200, 8), 1 / 3),
    Case("ionicity, 2 × 8 ions × 200", partial(independent_ions, "ionicity", 200, 8), 1.0),
    Case("ionicity, 2 × 8 ions × 60", partial(independent_ions, "ionicity", 60, 8), 1.0),
    Case("Haven ratio, 2 × 8 ions × 200", partial(independent_ions, "Haven", 200, 8), 1.0),
    Case("viscosity, 5000 values, τ = 10", partial(shear, 5000, 0.9, 1), shear_truth(0.9)),
    Case("viscosity, 500 values, τ = 5", partial(shear, 500, 0.8, 1), shear_truth(0.8)),
    Case("viscosity, 5 runs of 500, τ = 10", partial(shear, 500, 0.9, 5), shear_truth(0.9)),
    Case("viscosity, Helfand, 1000 values", partial(helfand, 1000), shear_truth(0.0)),
    Case("viscosity, Helfand, 100 values", partial(helfand, 100), shear_truth(0.0)),
    Case(
        "D of an infinite box, 30 × 1000, η of 5000 values",
        partial(corrected, 1000, 30, 5000, EDGE),
        infinite(EDGE),
    ),
    Case(
        "D of an infinite box, 8 × 200, η of 500 values",
        partial(corrected, 200, 8, 500, EDGE),
        infinite(EDGE),
    ),
    Case("D of an infinite box, three sizes, 2 %", partial(sizes, 0, 0.02), FREE),
    Case("viscosity, three sizes, 1 %", partial(sizes, 1, 0.01), ETA),
    Case("log–log slope, 30 walkers × 300", partial(exponent, 300, 30, 0.0), 1.0),
    Case("log–log slope, 8 caged × 100", partial(exponent, 100, 8, 0.3), exponent_truth(0.3)),
    Case(
        "rotation, order 1, 50 molecules × 3000",
        partial(rotation, 3000, 50, 1),
        ROTOR * synthetic.rotor_time(0.2, 1),
    ),
    Case(
        "rotation, order 2, 50 molecules × 1000",
        partial(rotation, 1000, 50, 2),
        ROTOR * synthetic.rotor_time(0.2, 2),
    ),
    Case(
        "rotation, order 2, 10 molecules × 500",
        partial(rotation, 500, 10, 2),
        ROTOR * synthetic.rotor_time(0.2, 2),
    ),
    Case("α₂, 60 Brownian walkers × 300", partial(alpha_2, 300, 60, False), 0.0),
    Case("α₂, 12 Brownian walkers × 60", partial(alpha_2, 60, 12, False), 0.0),
    Case("α₂, 100 slow or fast walkers × 200", partial(alpha_2, 200, 100, True), MIXED),
    Case("α₂, 20 slow or fast walkers × 60", partial(alpha_2, 60, 20, True), MIXED),
]
