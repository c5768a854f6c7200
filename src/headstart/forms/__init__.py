"""An adapted model in other forms (transformers, ONNX, GGUF), each held against the original."""
