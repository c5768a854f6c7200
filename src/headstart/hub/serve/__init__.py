"""The Hugging Face Hub protocol over HTTP: thin routes, one file a part of it."""
