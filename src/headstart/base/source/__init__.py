"""Where bases come from: one file a source."""
