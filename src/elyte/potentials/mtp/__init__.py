"""elyte.potentials.mtp"""
