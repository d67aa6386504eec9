"""elyte.learning"""
