"""Bases from outside: what of them may come in, and how each kind of source is read."""
