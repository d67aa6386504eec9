"""elyte.workflow"""
