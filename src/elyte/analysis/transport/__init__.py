"""Diffusion and conduction."""
