"""Models of any layout as the gate runs them: loaded by their own libraries, no remote code."""
