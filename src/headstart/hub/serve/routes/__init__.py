"""The protocol's routes: one file a part of it."""
