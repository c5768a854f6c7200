"""The plots: one file a family, each function returns plotly JSON for the page to draw."""
