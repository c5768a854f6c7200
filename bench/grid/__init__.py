"""The exhaustive grid, recorded once, and the planner replayed on it."""
