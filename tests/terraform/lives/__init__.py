"""Whole lives of environments: prepared, applied, checked and destroyed."""
