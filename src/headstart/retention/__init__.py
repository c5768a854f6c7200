"""What the base could do, measured before and after, and what keeps it from being forgotten."""
