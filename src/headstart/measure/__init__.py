"""Scores and their intervals, comparison, calibration, cost."""
