"""elyte.analysis"""
