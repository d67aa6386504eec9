"""elyte.testing"""
