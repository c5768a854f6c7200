"""Bytes by their content: kept once, verified whenever they are read."""
