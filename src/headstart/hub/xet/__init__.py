"""Xet: the formats in which current clients bring large files, and what is known of them.

After the published specification (huggingface.co/docs/xet).
"""
