"""What the hub knows: repos, their commits and refs, states, who may do what."""
