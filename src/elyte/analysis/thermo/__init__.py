"""Density and what volume and energy fluctuations say."""
