"""Who may do what: users and teams, roles, tokens."""
