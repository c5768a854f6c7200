"""The hub's pages, one file each; each has a ``router`` that ``headstart.web.site`` adds."""
