"""`plan(state) → tasks`: what is to be done next; a pure function."""

from __future__ import annotations

from typing import Any

import numpy as np

from elyte.learning.state import Chain, FrameRef, Settings, State, Task

MOST_SAMPLED = 8  # frames of one sampler's task
MIXED_IN_EVERY = 4  # one box in so many has another composition than the recipe
LONGEST_EXPLORATION = 6  # times the trajectory time of the recipe
ANNEAL_HEAT, ANNEAL_MARGIN = 100.0, 50.0  # K
LOOSE_PACKING = 0.9  # of the estimated density, at which Packmol succeeds
# Where the runs at constant pressure begin, relative to the estimated density: from both sides, so
# that a liquid which has not forgotten its beginning shows as replicas that disagree.
SIDES = (0.92, 1.0)


def plan(state: State) -> tuple[Task, ...]:
    """Return the tasks of the present stage; none when the run is done."""
    return _PLANNERS[state.stage](state) if state.stage != "done" else ()


def _seed(settings: Settings, *numbers: int) -> int:
    """Derive an independent seed for a task from the recipe's seed and the task's place."""
    return int(np.random.SeedSequence([settings.seed, *numbers]).generate_state(1)[0])


def _composition(settings: Settings, index: int) -> dict[str, int]:
    """Return the recipe's composition, and every so often one of those that are mixed in."""
    extra = settings.label_counts[1:]
    turn, rest = divmod(index, MIXED_IN_EVERY)
    return dict(extra[turn % len(extra)] if extra and rest == 0 else settings.label_counts[0])


def _pack(state: State) -> tuple[Task, ...]:
    settings = state.settings
    low, high = settings.start_densities
    tasks = []
    for index in range(settings.start_frames):
        seed = _seed(settings, 0, index)
        rng = np.random.default_rng(seed)
        fraction = (index + 0.5) / settings.start_frames
        tasks.append(
            Task(
                "pack",
                {
                    "counts": _composition(settings, index),
                    "density": round(settings.density * (low + (high - low) * fraction), 4),
                    "scale": round(float(rng.uniform(*settings.start_scale)), 4),
                    "rattle": round(float(rng.uniform(*settings.start_rattle)), 4),
                    "seed": seed,
                    "cell": settings.label_cell,
                },
            )
        )
    return tuple(tasks) + _samples(settings)


def _samples(settings: Settings) -> tuple[Task, ...]:
    """Return the tasks of the samplers, a few frames each, so that they run side by side."""
    tasks = []
    for order, (name, whole) in enumerate(settings.samplers.items()):
        for part, begin in enumerate(range(0, whole, MOST_SAMPLED)):
            tasks.append(
                Task(
                    "pack",
                    {
                        "sampler": name,
                        "number": min(MOST_SAMPLED, whole - begin),
                        "counts": _composition(settings, part + order + 1),
                        "density": settings.density,
                        "temperature": settings.temperatures[part % len(settings.temperatures)],
                        "pressure": settings.pressure,
                        "time": settings.sampler_time,
                        "engine": dict(settings.sampler_engine),
                        "reference": dict(settings.engine),
                        "seed": _seed(settings, 5, order, part),
                        "cell": settings.label_cell,
                    },
                )
            )
    return tuple(tasks)


def _label(state: State) -> tuple[Task, ...]:
    kind = "start" if state.round == 0 else f"round-{state.round}"
    return tuple(
        label_task(state.settings, ref, config_type)
        for refs, config_type in ((state.pending, kind), (state.ordinary, f"{kind}-ordinary"))
        for ref in refs
    )


def label_task(settings: Settings, ref: FrameRef, config_type: str) -> Task:
    """Return the task that labels one frame."""
    inputs = {"frame": ref.plain(), "engine": dict(settings.engine), "config_type": config_type}
    return Task("label", inputs | _reactions(settings))


def _check(state: State) -> tuple[Task, ...]:
    return (_comparison(state, state.fresh),)


def _comparison(state: State, labels: tuple[str, ...]) -> Task:
    inputs = {"potential": state.potential, "labels": list(labels)}
    return Task("check", inputs | _dispersion(state.settings))


def _dispersion(settings: Settings) -> dict[str, Any]:
    """Return the dispersion as an input of a task; none where a recipe has none."""
    return {} if settings.dispersion is None else {"dispersion": dict(settings.dispersion)}


def _reactions(settings: Settings) -> dict[str, Any]:
    """Return as an input of a task that molecules may break; nothing where they may not."""
    return {"reactions": True} if settings.reactions else {}


def _train(state: State) -> tuple[Task, ...]:
    settings = state.settings
    return (
        Task(
            "train",
            {
                "labels": list(state.training),
                "initial": state.potential,
                "level": settings.level,
                "cutoff": settings.cutoff,
                "radial_size": settings.radial_size,
                "weights": dict(settings.weights),
                "seconds": settings.train_seconds,
                "mode": settings.mode,
                "engine": dict(settings.engine),
                "seed": settings.seed,
                **_dispersion(settings),
            },
        ),
    )


def _explore(state: State) -> tuple[Task, ...]:
    settings = state.settings
    # Longer runs with every round that has survived: what is rare shows only in time, and a small
    # box that fails costs far less than a production that does.
    time = settings.trajectory_time * min(1 + state.calm_rounds, LONGEST_EXPLORATION)
    tasks = []
    for index in range(settings.trajectories):
        temperature = settings.exploration_temperatures[
            index % len(settings.exploration_temperatures)
        ]
        turn = index // len(settings.exploration_temperatures)
        seed = _seed(settings, 1, state.round, index)
        low, high = settings.start_densities
        fraction = np.random.default_rng(seed).uniform()
        tasks.append(
            Task(
                "explore",
                {
                    "potential": state.potential,
                    "counts": _composition(settings, index + state.round),
                    "cell": settings.label_cell,
                    "density": round(settings.density * (low + (high - low) * fraction), 4),
                    "ensemble": "NVT" if turn % 2 == 0 or settings.alone else "NPT",
                    "temperature": temperature,
                    "pressure": settings.pressure,
                    "time": time,
                    "timestep": settings.exploration_timestep,
                    "grade_every": settings.grade_every,
                    "grade_save": settings.grade_save,
                    "grade_stop": settings.grade_stop,
                    "thermostat": settings.thermostat,
                    "barostat": settings.barostat,
                    "seed": seed,
                    **_dispersion(settings),
                    **_reactions(settings),
                },
            )
        )
    return tuple(tasks)


def _select(state: State) -> tuple[Task, ...]:
    settings = state.settings
    ordinary = 2 * sum(1 for t in state.exploration if t.outcome == "done")
    return (
        Task(
            "select",
            {
                "potential": state.potential,
                "trajectories": [t.task for t in state.exploration],
                "limit": max(settings.labels_per_round - ordinary, settings.labels_per_round // 3),
                "selection": settings.selection,
                "seed": _seed(settings, 2, state.round),
            },
        ),
    )


def anneal_temperature(settings: Settings, temperature: float) -> float:
    """Return where annealing begins, K: hotter than the target, well within what was explored."""
    explored = max(settings.exploration_temperatures) - ANNEAL_MARGIN
    return max(temperature, min(temperature + ANNEAL_HEAT, explored))


def _prepare(state: State) -> tuple[Task, ...]:
    settings = state.settings
    return tuple(
        Task(
            "prepare",
            {
                "potential": state.potential,
                "counts": dict(settings.production_counts),
                "cell": settings.production_cell,
                "density": round(settings.density * LOOSE_PACKING, 4),
                "begin_density": round(settings.density * _side(settings, chain), 4),
                "temperature": chain.temperature,
                "anneal": anneal_temperature(settings, chain.temperature),
                "timestep": settings.timestep,
                "grade_stop": settings.grade_stop,
                "seed": _seed(settings, 3, index, state.restarts),
                **_dispersion(settings),
                **_reactions(settings),
            },
        )
        for index, chain in enumerate(state.chains)
    )


def _side(settings: Settings, chain: Chain) -> float:
    """Return from which side of the estimated density a chain comes; a lone molecule from none."""
    return 1.0 if settings.alone else SIDES[chain.replica % len(SIDES)]


def _segment(state: State, chain: Chain, ensemble: str, length: int, done: int) -> Task:
    settings = state.settings
    inputs: dict[str, Any] = {
        "potential": state.potential,
        "previous": chain.last,
        "ensemble": ensemble,
        "temperature": chain.temperature,
        "pressure": settings.pressure,
        "time": min(settings.segment_time, length - done * settings.segment_time),
        "timestep": settings.timestep,
        "save_every": settings.save_every,
        "grade_every": settings.grade_every,
        "grade_stop": settings.grade_stop,
        "thermostat": settings.thermostat,
        "barostat": settings.barostat,
        "segment": done,
        **_dispersion(settings),
        **_reactions(settings),
    }
    if ensemble == "NVT" and done == 0 and chain.equilibration:
        inputs["density"] = state.densities[f"{chain.temperature:g}"]
        index = state.chains.index(chain)
        inputs["velocity_seed"] = _seed(settings, 4, index, state.restarts)
    return Task("segment", inputs)


def segments(total: float, segment: float) -> int:
    """Return how many segments a time is cut into."""
    return max(1, int(np.ceil(total / segment - 1e-9)))


def _equilibrate(state: State) -> tuple[Task, ...]:
    total = state.settings.npt_time
    # under a barostat one molecule is a gas, and its box grows a thousandfold
    ensemble = "NVT" if state.settings.alone else "NPT"
    return tuple(
        _segment(state, chain, ensemble, int(total), len(chain.equilibration))
        for chain in state.chains
    )


def _produce(state: State) -> tuple[Task, ...]:
    total = state.settings.nvt_time
    return tuple(
        _segment(state, chain, "NVT", int(total), len(chain.production)) for chain in state.chains
    )


def _relabel(state: State) -> tuple[Task, ...]:
    """Frames of the production itself, spread evenly over its segments, for each temperature."""
    settings = state.settings
    tasks = []
    for temperature in settings.temperatures:
        segments_ = [
            key for c in state.chains if c.temperature == temperature for key in c.production
        ]
        picks = np.linspace(0, len(segments_) - 1, settings.relabelled).round().astype(int)
        for order, pick in enumerate(picks):
            same_before = int((picks[:order] == pick).sum())
            # Index −1, −2, … counts from the segment's end.
            ref = FrameRef(segments_[pick], -1 - 3 * same_before)
            tasks.append(label_task(settings, ref, f"production-{temperature:g}K"))
    return tuple(tasks)


def _verify(state: State) -> tuple[Task, ...]:
    return (_comparison(state, state.relabelled),)


_PLANNERS = {
    "pack": _pack,
    "label": _label,
    "check": _check,
    "train": _train,
    "explore": _explore,
    "select": _select,
    "prepare": _prepare,
    "equilibrate": _equilibrate,
    "produce": _produce,
    "relabel": _relabel,
    "verify": _verify,
}
