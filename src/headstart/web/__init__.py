"""What a browser sees: fragments of pages, and their words in every language."""
