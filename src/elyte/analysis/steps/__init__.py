"""The steps of an analysis: one small adapter for each group of properties."""
