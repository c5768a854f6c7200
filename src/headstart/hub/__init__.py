"""The hub: an internal home for pre-validated models, which speaks the Hugging Face protocol."""
