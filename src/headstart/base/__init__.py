"""Where to start: references, sources, cards and encoders."""
