"""How to adapt a base: one file a method, one small shared interface."""
