"""From trajectories to numbers with errors: arrays in, `Quantity` out."""

from elyte.analysis.curve import Curve
from elyte.analysis.driver import Analysis, analyse
from elyte.analysis.intervals import interval
from elyte.analysis.loading import load, record
from elyte.analysis.maps import Cloud, Map
from elyte.analysis.recognise import describe
from elyte.analysis.recording import Recording
from elyte.analysis.sites import find_pair, find_site
from elyte.analysis.steps.context import Options
from elyte.analysis.structure.rdf import radial_distribution
from elyte.analysis.structure.shell import Shell, first_shell
from elyte.analysis.system import SpeciesGroup, SystemDescription
from elyte.analysis.transport.diffusion import self_diffusion, yeh_hummer
from elyte.analysis.transport.onsager import conductivity, conductivity_from_current
from elyte.analysis.unwrap import unwrap

__all__ = [
    "Analysis",
    "Cloud",
    "Curve",
    "Map",
    "Options",
    "Recording",
    "Shell",
    "SpeciesGroup",
    "SystemDescription",
    "analyse",
    "conductivity",
    "conductivity_from_current",
    "describe",
    "find_pair",
    "find_site",
    "first_shell",
    "interval",
    "load",
    "radial_distribution",
    "record",
    "self_diffusion",
    "unwrap",
    "yeh_hummer",
]
