"""Transport of charge: conductivity, ionicity, transport and transference numbers."""

from __future__ import annotations

from elyte.analysis.steps.context import Context, Findings
from elyte.analysis.transport.report import charge_transport, transport_withheld


def conduction_step(context: Context) -> Findings:
    """Conductivities, Onsager coefficients, ionicity, Haven ratio, numbers of all ions."""
    kelvin = context.temperature
    if context.no_dynamics:
        missing = transport_withheld(context.system, context.no_dynamics, kelvin)
        return Findings([q for q in missing if q.name != "self-diffusion coefficient"])
    diffusions = {
        q.species: q
        for q in reversed(context.found)  # the first of a species, by Einstein, is the one kept
        if q.name == "self-diffusion coefficient"
    }
    return Findings(
        *charge_transport(
            context.timed,
            context.system,
            kelvin,
            diffusions,
            context.currents,
            context.current_timestep,
            context.frame,
        )
    )
