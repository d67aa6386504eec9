"""Radial distribution functions and coordination numbers."""
