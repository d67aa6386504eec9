"""elyte.reference"""
