"""Bytes: content-addressed, stored once, verified whenever they are written or read."""
