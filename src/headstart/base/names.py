"""Architectures by the names that papers use."""

from __future__ import annotations

import re

_TRANSFORMERS = {
    "albert": "ALBERT",
    "bert": "BERT",
    "convnext": "ConvNeXt",
    "deberta-v2": "DeBERTa-v3",
    "distilbert": "DistilBERT",
    "electra": "ELECTRA",
    "llama": "Llama",
    "modernbert": "ModernBERT",
    "mpnet": "MPNet",
    "resnet": "ResNet",
    "roberta": "RoBERTa",
    "vit": "ViT",
    "xlm-roberta": "XLM-RoBERTa",
}
_NUMBERED = {"densenet": "DenseNet", "resnet": "ResNet", "vgg": "VGG"}


def transformers_name(model_type: str) -> str:
    """Return "BERT" for "bert"; a type without a usual spelling stays as it is."""
    return _TRANSFORMERS.get(model_type, model_type)


def vision_name(function: str) -> str:
    """Return "ResNet-18" for timm's and torchvision's "resnet18"; others stay as they are."""
    found = re.fullmatch(r"([a-z]+)(\d+)", function)
    if found and found[1] in _NUMBERED:
        return f"{_NUMBERED[found[1]]}-{found[2]}"
    return function
