"""elyte.report"""
