"""elyte.validation"""
