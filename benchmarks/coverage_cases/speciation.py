"""Lifetimes, Markov models, networks."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases import STEP, Case, point
from elyte.analysis.speciation.lifetimes import Kind, pair_lifetime
from elyte.analysis.speciation.markov import (
    implied_time_scale,
    markov_model,
    transition_probability,
)
from elyte.analysis.speciation.multidentate import denticity
from elyte.analysis.speciation.networks import (
    cluster_populations,
    mean_network_size,
    network_sizes,
    networks,
)
from elyte.analysis.speciation.shells import Contacts, state_populations
from elyte.analysis.transport.mechanism import mechanism
from elyte.analysis.transport.rotation import rotational_relaxation
from elyte.core.quantity import Quantity
from elyte.testing import synthetic

PS = STEP / 1000


def lifetime(
    kind: Kind, frames: int, pairs: int, stay: float, rng: np.random.Generator
) -> Quantity:
    """Lifetime of pairs that form and break at known rates."""
    return pair_lifetime([synthetic.exchange(rng, frames, pairs, 0.3, stay)], STEP, kind)[0]


def rare_pairs(frames: int, ions: int, ligands: int, rng: np.random.Generator) -> Quantity:
    """Intermittent lifetime where ions have many possible ligands, of which few are bound."""
    states = synthetic.exchange(rng, frames, ions * ligands, 0.05, 10.0)
    owner = np.repeat(np.arange(ions), ligands)
    seen = states.any(axis=0)
    return pair_lifetime(
        [states[:, seen]], STEP, "intermittent", [owner[seen]], pairs=ions * ligands
    )[0]


def two_kinds(frames: int, pairs: int, rng: np.random.Generator) -> Quantity:
    """Continuous lifetime of a mixture of fast and slow pairs."""
    fast = synthetic.exchange(rng, frames, pairs, 0.3, 5.0)
    slow = synthetic.exchange(rng, frames, pairs, 0.3, 40.0)
    return pair_lifetime([np.hstack([fast, slow])], STEP)[0]


def jump(frames: int, ions: int, rng: np.random.Generator) -> Quantity:
    """Probability to leave a state within a lag of one frame."""
    states = synthetic.exchange(rng, frames, ions, 0.3, 20.0).astype(np.int64)
    return transition_probability(markov_model([states], STEP), "1", "0")


def time_scale(frames: int, ions: int, lag: int, rng: np.random.Generator) -> Quantity:
    """Implied time scale of two states."""
    states = synthetic.exchange(rng, frames, ions, 0.3, 20.0).astype(np.int64)
    return implied_time_scale(markov_model([states], STEP, lag))


def chain_contacts(rng: np.random.Generator, frames: int, ions: int, stay: float) -> Contacts:
    """Ions in a row; a molecule between neighbours binds both half of the time."""
    bound = synthetic.exchange(rng, frames, ions - 1, 0.5, stay)
    frame, bridge = np.nonzero(bound)
    ends = np.concatenate([bridge, bridge + 1])
    twice = np.concatenate([frame, frame]), ends, np.concatenate([bridge, bridge])
    return Contacts(frames, ions, ions - 1, *twice, np.ones(len(ends), dtype=np.int64))


def network(frames: int, ions: int, stay: float, rng: np.random.Generator) -> Quantity:
    """Mean size of the network of an ion."""
    return mean_network_size([networks(chain_contacts(rng, frames, ions, stay))])


def alone(frames: int, ions: int, stay: float, rng: np.random.Generator) -> Quantity:
    """Share of ions in no network, with the error that its curve shows."""
    return point(network_sizes([networks(chain_contacts(rng, frames, ions, stay))]), 0)


def ring_contacts(rng: np.random.Generator, frames: int, ions: int, stay: float) -> Contacts:
    """Ions in a ring; an anion between neighbours binds both, 0.4 of the time."""
    frame, anion = np.nonzero(synthetic.exchange(rng, frames, ions, 0.4, stay))
    ends = np.concatenate([anion, (anion + 1) % ions])
    twice = np.concatenate([frame, frame]), ends, np.concatenate([anion, anion])
    return Contacts(frames, ions, ions, *twice, np.ones(len(ends), dtype=np.int64))


def aggregated(frames: int, ions: int, stay: float, rng: np.random.Generator) -> Quantity:
    """AGG fraction of ions that share anions with their neighbours."""
    found = state_populations([ring_contacts(rng, frames, ions, stay)])
    return found["AGG"].quantity("AGG fraction", "1", "")


def clustered(frames: int, ions: int, stay: float, rng: np.random.Generator) -> Quantity:
    """Fraction of ions with one anion, where neighbours share anions."""
    found = cluster_populations([ring_contacts(rng, frames, ions, stay).counts])
    return next(q for q in found if q.details["anions"] == 1)


def twice_bound(frames: int, ions: int, stay: float, rng: np.random.Generator) -> Quantity:
    """Fraction of bound ligands held by two atoms: of three sites, each filled half of the time."""
    filled = synthetic.exchange(rng, frames, 3 * ions, 0.5, stay)
    second = synthetic.exchange(rng, frames, 3 * ions, 0.3, stay)
    frame, site = np.nonzero(filled)
    atoms = 1 + second[frame, site].astype(np.int64)
    return denticity([Contacts(frames, ions, 3 * ions, frame, site // 3, site, atoms)])[0]


def stay_over_turn(frames: int, pairs: int, rng: np.random.Generator) -> Quantity:
    """τ_pair/τ_rot of pairs that break while their ligands turn."""
    states = synthetic.exchange(rng, frames, pairs, 0.3, 15.0)
    pair = pair_lifetime([states], STEP, "intermittent")[0]
    return mechanism(
        pair, rotational_relaxation([synthetic.rotor(rng, frames, 30, 0.4)], STEP, 1)[0]
    )


def chain_size(ions: int) -> float:
    """1 + Σ 2^−k over the ions that stand k bridges away, averaged over ions."""
    i = np.arange(ions)
    return float(np.mean([np.sum(0.5 ** np.abs(i - j)) for j in i]))


def both_kinds() -> float:
    """Weights of the two kinds are their populations, which are alike."""
    times = [synthetic.exchange_time(0.3, t) for t in (5.0, 40.0)]
    return PS * float(np.mean(times))


def _single(kind: Kind, frames: int, pairs: int, stay: float) -> Case:
    truth = PS * synthetic.exchange_time(0.3, stay, kind == "intermittent")
    name = f"{kind} lifetime, {pairs} pairs × {frames}, stay {stay:.0f}"
    return Case(name, partial(lifetime, kind, frames, pairs, stay), truth)


AGG = 1 - 0.6**2  # an ion of the ring with either anion
SCALE = PS * synthetic.exchange_time(0.3, 20.0, True)

CASES = [
    _single("continuous", 600, 40, 15.0),
    _single("continuous", 150, 60, 12.0),
    _single("continuous", 100, 20, 20.0),
    _single("intermittent", 600, 40, 15.0),
    _single("intermittent", 150, 60, 12.0),
    _single("intermittent", 100, 20, 20.0),
    Case("continuous lifetime, fast and slow pairs", partial(two_kinds, 1000, 40), both_kinds()),
    Case(
        "intermittent lifetime, 30 ions × 15 ligands × 200",
        partial(rare_pairs, 200, 30, 15),
        PS * synthetic.exchange_time(0.05, 10.0, True),
    ),
    Case("transition probability, 40 ions × 300", partial(jump, 300, 40), 1 / 20),
    Case("transition probability, 10 ions × 100", partial(jump, 100, 10), 1 / 20),
    Case("implied time scale, 40 ions × 300, lag 1", partial(time_scale, 300, 40, 1), SCALE),
    Case("implied time scale, 40 ions × 300, lag 10", partial(time_scale, 300, 40, 10), SCALE),
    Case("implied time scale, 10 ions × 100, lag 2", partial(time_scale, 100, 10, 2), SCALE),
    Case("network size, 20 ions × 1000", partial(network, 1000, 20, 20.0), chain_size(20)),
    Case("network size, 20 ions × 100", partial(network, 100, 20, 10.0), chain_size(20)),
    Case("ions in no network, 20 × 400", partial(alone, 400, 20, 10.0), 0.275),
    Case("AGG fraction, 30 ions × 400, lifetime 10", partial(aggregated, 400, 30, 10.0), AGG),
    Case("AGG fraction, 30 ions × 100, lifetime 300", partial(aggregated, 100, 30, 300.0), AGG),
    Case("cluster fraction, 30 ions × 400, lifetime 10", partial(clustered, 400, 30, 10.0), 0.48),
    Case("cluster fraction, 30 ions × 100, lifetime 300", partial(clustered, 100, 30, 300.0), 0.48),
    Case("multidentate fraction, 20 ions × 200", partial(twice_bound, 200, 20, 20.0), 0.3),
    Case("multidentate fraction, 8 ions × 100, slow", partial(twice_bound, 100, 8, 200.0), 0.3),
    Case(
        "τ_pair/τ_rot, 40 pairs and 30 molecules × 600",
        partial(stay_over_turn, 600, 40),
        synthetic.exchange_time(0.3, 15.0, True) / synthetic.rotor_time(0.4, 1),
    ),
]
