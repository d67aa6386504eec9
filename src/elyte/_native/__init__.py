"""elyte._native"""
