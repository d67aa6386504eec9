"""Points of correlation functions and running integrals, with the errors that curves show."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import stats

from coverage_cases import STEP, TEMPERATURE, VOLUME, Case, point
from coverage_cases.transport import pressure_tensor
from elyte.analysis.speciation.lifetimes import Kind, pair_lifetime
from elyte.analysis.speciation.shells import Contacts
from elyte.analysis.transport.green_kubo import current_curves
from elyte.analysis.transport.rotation import rotational_relaxation
from elyte.analysis.transport.van_hove import non_gaussian_curve, van_hove_self
from elyte.analysis.transport.velocity import shell_cross_correlation, velocity_autocorrelation
from elyte.analysis.transport.viscosity import TO_PASCAL_SECOND, viscosity
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, CONDUCTIVITY_TO_S_PER_M
from elyte.testing import synthetic

DECAY = 0.8  # of velocities, currents and stress from one frame to the next
LAG = 4  # frames
DRAG = 0.5  # correlation of the velocities of an ion and its ligand
HOP = 10.0  # Å², ⟨Δx²⟩ of a van Hove function
CURRENT = 1e-3  # e Å/fs


def velocities(frames: int, particles: int, rng: np.random.Generator) -> Quantity:
    """Velocity autocorrelation of Langevin particles."""
    series = [synthetic.autoregressive(rng, frames, DECAY, (particles, 3))]
    return point(velocity_autocorrelation(series, STEP, 20), LAG)


def dragged(frames: int, ions: int, rng: np.random.Generator) -> Quantity:
    """Velocity cross-correlation of ions with the ligands that they drag along."""
    v = synthetic.autoregressive(rng, frames, DECAY, (2, ions, 3)).swapaxes(0, 1)
    ligands = DRAG * v[0] + np.sqrt(1 - DRAG**2) * v[1]
    frame, ion = np.divmod(np.arange(frames * ions), ions)
    bound = Contacts(frames, ions, ions, frame, ion, ion, np.ones(len(ion), dtype=np.int64))
    return point(shell_cross_correlation([v[0]], [ligands], [bound], STEP, 20), LAG)


def displaced(frames: int, particles: int, rng: np.random.Generator) -> Quantity:
    """Van Hove's function of Brownian walkers around its maximum."""
    walk = synthetic.brownian(rng, frames, particles, HOP / 5)
    return point(van_hove_self([walk], STEP, [5 * STEP], 12, 12.0)[0], 4)


def gaussian(frames: int, particles: int, rng: np.random.Generator) -> Quantity:
    """α₂(t) of Brownian walkers at one of its times."""
    walk = synthetic.brownian(rng, frames, particles, 1.0)
    return point(non_gaussian_curve([walk], STEP, 8), 3)


def turned(frames: int, molecules: int, order: int, rng: np.random.Generator) -> Quantity:
    """Rotational correlation of molecules that turn by 0.3 rad a frame."""
    vectors = synthetic.rotor(rng, frames, molecules, 0.3)
    return point(rotational_relaxation([vectors], STEP, order)[1], LAG)


def existing(frames: int, pairs: int, kind: Kind, rng: np.random.Generator) -> Quantity:
    """Existence autocorrelation of pairs that form and break."""
    return point(
        pair_lifetime([synthetic.exchange(rng, frames, pairs, 0.3, 10.0)], STEP, kind)[1], LAG
    )


def charge_flow(frames: int, rng: np.random.Generator) -> Quantity:
    """Running Green–Kubo integral of the conductivity at many relaxation times."""
    series = [CURRENT * synthetic.autoregressive(rng, frames, DECAY, (3,))]
    return point(current_curves(series, STEP, VOLUME, TEMPERATURE)[1], 40)


def momentum_flow(frames: int, rng: np.random.Generator) -> Quantity:
    """Running Green–Kubo integral of the viscosity at many relaxation times."""
    return point(viscosity([pressure_tensor(rng, frames, DECAY)], STEP, VOLUME, TEMPERATURE)[1], 40)


def _integral(variance: float) -> float:
    """∫ variance · DECAY^t by the trapezoidal rule, to 40 frames."""
    return float(np.trapezoid(variance * DECAY ** np.arange(41)) * STEP)


SIGMA_T = CONDUCTIVITY_TO_S_PER_M / (VOLUME * BOLTZMANN * TEMPERATURE) * _integral(CURRENT**2)
ETA_T = TO_PASCAL_SECOND * VOLUME / (BOLTZMANN * TEMPERATURE) * _integral(1e-3**2)
MAXIMUM = float(np.diff(stats.maxwell.cdf([4.0, 5.0], scale=np.sqrt(HOP)))[0])
C_2 = 1.5 * np.cos(0.3) ** 2 - 0.5
STAY, FORGET = 1 - 0.1, 1 - 0.1 / 0.7

CASES = [
    Case("VACF, 40 particles × 500", partial(velocities, 500, 40), DECAY**LAG),
    Case("VACF, 12 particles × 100", partial(velocities, 100, 12), DECAY**LAG),
    Case("VCCF with the shell, 30 ions × 300", partial(dragged, 300, 30), DRAG * DECAY**LAG),
    Case("VCCF with the shell, 10 ions × 100", partial(dragged, 100, 10), DRAG * DECAY**LAG),
    Case("van Hove function, 60 particles × 200", partial(displaced, 200, 60), MAXIMUM),
    Case("van Hove function, 12 particles × 60", partial(displaced, 60, 12), MAXIMUM),
    Case("α₂(t), 40 Brownian walkers × 200", partial(gaussian, 200, 40), 0.0),
    Case("C₁(t), 30 molecules × 400", partial(turned, 400, 30, 1), np.cos(0.3) ** LAG),
    Case("C₂(t), 10 molecules × 100", partial(turned, 100, 10, 2), C_2**LAG),
    Case("continuous S(t), 40 pairs × 200", partial(existing, 200, 40, "continuous"), STAY**LAG),
    Case(
        "intermittent C(t), 40 pairs × 200", partial(existing, 200, 40, "intermittent"), FORGET**LAG
    ),
    Case("σ(t), 2000 currents", partial(charge_flow, 2000), SIGMA_T),
    Case("η(t), 2000 stresses", partial(momentum_flow, 2000), ETA_T),
]
