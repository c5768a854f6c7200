"""A pull-through mirror: what is asked for and not here is fetched from another hub, and kept."""
