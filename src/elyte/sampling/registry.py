"""The samplers of the start set by name: `sample(request)` gives their frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from elyte.chemistry import pack_box
from elyte.chemistry.recipe_types import SAMPLERS
from elyte.core.errors import InputError, Outcome, did_you_mean
from elyte.core.frame import Frame
from elyte.core.progress import Progress, silent
from elyte.reference import EngineSettings
from elyte.sampling import clusters, runs
from elyte.sampling.potential import sampling_potential
from elyte.sampling.rigid import at_density, density_of, volume_scan
from elyte.sampling.runs import Samples
from elyte.sampling.solvation import ion_pair_box, possible_states

SCAN = (0.55, 1.25)
"""Densities of a volume scan, relative to the estimate."""
NEQ = (0.77, 1.26)
"""Densities of the nEQ set, relative to the estimate (Park et al. 2025)."""
LOOSE = 0.85
"""Density at which boxes are packed, relative to the estimate."""
_MODIFIED_DENSITY = (0.85, 1.1, 0.05)  # Q₀, Q_end and Q_amp, relative to the estimate
_MODIFIED_TEMPERATURE = (0.9, 1.4, 0.2)  # relative to the temperature


@dataclass(frozen=True)
class Request:
    """What a sampler is asked for.

    Args:
        sampler: its name.
        number: of frames.
        counts: species name → number of molecules of a box; of a solid only for its elements.
        density: estimate, g/cm³.
        temperature: K.
        pressure: bar.
        time: of the dynamics, fs.
        seed: of everything random.
        engine: settings of the engine that drives the dynamics.
        reference: settings of the reference method, for the refinement.
        cell: of a solid, instead of packed molecules.
    """

    sampler: str
    number: int
    counts: Mapping[str, int]
    density: float
    temperature: float
    pressure: float
    time: float
    seed: int
    engine: Mapping[str, Any]
    reference: Mapping[str, Any] = field(default_factory=dict)
    cell: Frame | None = None

    @property
    def species(self) -> list[str]:
        """Names of the species; none in a solid."""
        return [] if self.cell is not None else list(self.counts)

    def box(self, turn: int = 0, share: float = LOOSE) -> Frame:
        """Return a fresh packing, or the solid's cell at that share of its density."""
        if self.cell is not None:
            return self.cell if share >= 1 else at_density(self.cell, share * density_of(self.cell))
        return pack_box(dict(self.counts), share * self.density, seed=self.seed + turn)

    @property
    def own_density(self) -> float:
        """Density about which to sample, g/cm³."""
        return self.density if self.cell is None else density_of(self.cell)

    def potential(self, frame: Frame, pressure: bool = False) -> Any:
        """Return what drives the dynamics of a box."""
        return sampling_potential(EngineSettings.from_mapping(self.engine), frame, pressure)


def sample(request: Request, progress: Progress | None = None) -> Samples:
    """Return the frames of a sampler.

    Raises:
        InputError: an unknown sampler, or one that the composition cannot serve.
        UnknownSpecies: no parameters for a molecule.
        MissingDependency: the engine is not installed.
    """
    if request.sampler not in FUNCTIONS:
        known = list(FUNCTIONS)
        hint = did_you_mean(request.sampler, known)
        raise InputError(f"unknown sampler '{request.sampler}'{hint}: there are {', '.join(known)}")
    if request.number < 1:
        raise InputError(f"the sampler '{request.sampler}' is asked for {request.number} frames")
    if request.cell is not None and request.sampler in _OF_MOLECULES:
        raise InputError(f"the sampler '{request.sampler}' needs molecules; this is a solid")
    return FUNCTIONS[request.sampler](request, progress or silent)


def _of_one_box(sampler: Callable[..., Samples]) -> Callable[[Request, Progress], Samples]:
    """Return a sampler that begins in one packing, at the temperature and pressure asked for."""

    def frames(request: Request, progress: Progress) -> Samples:
        box = request.box()
        return sampler(
            box,
            request.potential(box, pressure=True),
            request.temperature,
            request.pressure,
            request.time,
            request.number,
            request.seed % 2**31,
            progress,
        )

    return frames


def _nonequilibrium(request: Request, progress: Progress) -> Samples:
    low, high = NEQ
    boxes = []
    for k in range(request.number):
        share = low + (high - low) * (k + 0.5) / request.number
        boxes.append(at_density(request.box(k, min(share, LOOSE)), share * request.own_density))
    return runs.nonequilibrium(
        boxes,
        request.potential(boxes[-1]),
        request.temperature,
        seed=request.seed % 2**31,
        progress=progress,
    )


def _modifiers(request: Request, progress: Progress) -> Samples:
    low, high, amplitude = _MODIFIED_DENSITY
    box = request.box(share=low)
    return runs.modified(
        box,
        request.potential(box),
        runs.swing(request.temperature, *_MODIFIED_TEMPERATURE, request.time),
        runs.swing(request.own_density, low, high, amplitude, request.time),
        request.time,
        request.number,
        request.seed % 2**31,
        progress,
    )


def _distorted(request: Request, progress: Progress) -> Samples:
    time = min(request.time, 2000.0)
    box = request.box()
    return runs.distorted(
        box,
        request.potential(box),
        time,
        request.number,
        seed=request.seed % 2**31,
        progress=progress,
    )


def _refined(request: Request, progress: Progress) -> Samples:
    """Frames of the cheap equilibrium, each refined by the reference."""
    start = _of_one_box(runs.equilibrium)(request, silent)
    settings = EngineSettings.from_mapping(request.reference)
    found: list[Frame] = []
    outcome = start.outcome
    for index, frame in enumerate(start.frames):
        reference = sampling_potential(settings, frame)
        one = runs.refined(frame, reference, request.temperature, request.pressure, seed=index)
        found += one.frames
        outcome = outcome if one.outcome.done else one.outcome
        progress(index + 1, len(start.frames))
    return Samples(found, outcome)


def _volume_scan(request: Request, progress: Progress) -> Samples:
    boxes = [request.box(k) for k in range(min(request.number, 3))]
    low, high = (share * request.own_density for share in SCAN)
    return Samples(volume_scan(boxes, (low, high), request.number, request.seed), Outcome())


def _optimised(request: Request, progress: Progress) -> Samples:
    found: list[Frame] = []
    outcome = Outcome()
    per_box = len(runs.OPTIMISE_FORCES)
    for k in range(-(-request.number // per_box)):
        box = request.box(k)
        one = runs.optimised(box, request.potential(box), per_box, progress=progress)
        found += one.frames
        outcome = one.outcome
    return Samples(found[: request.number], outcome)


def _conformers(request: Request, progress: Progress) -> Samples:
    frames = clusters.vacuum_conformers(request.species, request.number, request.seed)
    return Samples(frames, Outcome())


def _dimers(request: Request, progress: Progress) -> Samples:
    return Samples(clusters.dimers(request.species, request.number, request.seed), Outcome())


def _isolated_atoms(request: Request, progress: Progress) -> Samples:
    if request.cell is not None:
        numbers = np.unique(request.cell.numbers)
        frames = [clusters.one_atom(int(z)) for z in numbers]
    else:
        frames = clusters.isolated_atoms(request.species)
    return Samples(frames[: request.number], Outcome())


def _ion_pairs(request: Request, progress: Progress) -> Samples:
    states = possible_states(request.counts)
    if not states:
        raise InputError("the sampler 'ion_pairs' needs cations and anions in the composition")
    frames = [
        ion_pair_box(
            request.counts,
            LOOSE * request.density,
            states[k % len(states)],
            request.seed + k,
        )
        for k in range(request.number)
    ]
    return Samples(frames, Outcome())


FUNCTIONS: dict[str, Callable[[Request, Progress], Samples]] = {
    "ladder": _of_one_box(runs.ladder),
    "equilibrium": _of_one_box(runs.equilibrium),
    "nonequilibrium": _nonequilibrium,
    "modifiers": _modifiers,
    "distorted": _distorted,
    "refined": _refined,
    "volume_scan": _volume_scan,
    "optimised": _optimised,
    "ion_pairs": _ion_pairs,
    "conformers": _conformers,
    "dimers": _dimers,
    "isolated_atoms": _isolated_atoms,
}
"""Sampler name → function of a request."""

_OF_MOLECULES = ("ion_pairs", "conformers", "dimers")

assert tuple(FUNCTIONS) == SAMPLERS
