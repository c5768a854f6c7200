"""A home for checked models that speaks the Hugging Face Hub protocol."""
