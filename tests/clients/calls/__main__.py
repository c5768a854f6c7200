"""What clients do all day: ``python calls OWNER``, with ``HF_ENDPOINT``, a token and a fresh
``HF_HOME`` set, and nothing else. A line for each call; it ends with an error if one is wrong."""

from __future__ import annotations

import sys

import book
import downloads  # noqa: F401
import history  # noqa: F401
import lists  # noqa: F401
import people  # noqa: F401
import rows  # noqa: F401
import system  # noqa: F401
import uploads  # noqa: F401

if __name__ == "__main__":
    sys.exit(not book.made(sys.argv[1]))
