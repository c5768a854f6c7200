"""What goes into a model: text, pictures, sound …, as its task (``pipeline_tag``) says.

The tasks are those of https://huggingface.co/tasks.
"""

from __future__ import annotations

from collections.abc import Mapping

MODALITIES: Mapping[str, tuple[str, ...]] = {
    "text": (
        "text-classification", "token-classification", "text-generation", "text2text-generation",
        "feature-extraction", "sentence-similarity", "question-answering", "translation",
        "summarization", "fill-mask", "zero-shot-classification", "text-ranking",
        "table-question-answering",
    ),
    "image": (
        "image-classification", "object-detection", "image-segmentation", "depth-estimation",
        "image-feature-extraction", "image-to-image", "mask-generation", "keypoint-detection",
        "zero-shot-image-classification", "zero-shot-object-detection",
        "unconditional-image-generation",
    ),
    "audio": (
        "automatic-speech-recognition", "audio-classification", "audio-to-audio",
        "text-to-speech", "text-to-audio", "voice-activity-detection",
    ),
    "video": ("video-classification", "text-to-video", "image-to-video"),
    "tabular": ("tabular-classification", "tabular-regression", "time-series-forecasting"),
    "several": (
        "image-text-to-text", "image-to-text", "text-to-image", "visual-question-answering",
        "document-question-answering", "audio-text-to-text", "video-text-to-text", "any-to-any",
        "visual-document-retrieval",
    ),
}  # fmt: skip
_OF = {task: modality for modality, tasks in MODALITIES.items() for task in tasks}


def modality_of(task: str | None) -> str:
    """Return the modality of a task; "" of one that is not known."""
    return _OF.get(task or "", "")
