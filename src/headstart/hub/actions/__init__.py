"""What can be done with a hub: the faces (protocol, pages, command line) only call these."""
