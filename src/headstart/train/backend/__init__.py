"""Ways to run a frozen encoder: one file a backend, chosen by a short measurement."""
