"""elyte.cli"""
