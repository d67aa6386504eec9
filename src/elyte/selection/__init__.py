"""elyte.selection"""
