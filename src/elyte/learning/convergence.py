"""When learning may stop, and why it did."""

from __future__ import annotations

from elyte.learning.state import State

MOST_OVERRUN = 1.6  # a run that is still unstable may exceed its budget of labels by this much


def verdict(state: State) -> str:
    """Return why learning is finished, or an empty string.

    Learning has converged when every trajectory of the round survived, none of its frames had an
    extrapolation grade worth saving, and the force error on frames that were re-labelled from
    these trajectories is within the target. A budget of rounds or labels ends it as well, but
    not while trajectories still fail.
    """
    settings, record = state.settings, state.rounds[-1]
    if not record.trajectories:
        return ""
    survived = state.calm_rounds > 0
    accurate = record.own_force_rmse <= settings.force_error_target
    if survived and accurate and record.saved == 0:
        return "converged: no frame extrapolates and the force error is within the target"
    labels = len(state.training)
    spent = labels >= settings.max_labels or state.round >= settings.max_rounds
    remaining = "; frames with grades above the saving threshold remain" if record.saved else ""
    if spent and survived and accurate:
        return f"budget reached: stable, the force error is within the target{remaining}"
    overspent = (
        labels >= MOST_OVERRUN * settings.max_labels
        or state.round >= MOST_OVERRUN * settings.max_rounds
    )
    if overspent and survived:
        return f"budget exceeded: stable, but the force error is above the target{remaining}"
    if overspent:
        return "budget exceeded: some trajectories still fail"
    return ""
