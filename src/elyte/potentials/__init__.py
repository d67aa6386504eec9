"""elyte.potentials"""
