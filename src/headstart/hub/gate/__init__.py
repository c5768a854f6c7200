"""The checks between candidate and approved: standards, one-file checks, a sandbox, evidence."""
