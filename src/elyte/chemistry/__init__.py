"""elyte.chemistry"""
