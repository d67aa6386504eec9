"""elyte.dynamics"""
