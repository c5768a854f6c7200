"""What to learn: read, detect, split, fingerprint, audit."""
