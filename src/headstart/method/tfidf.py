"""tfidf: logistic regression (or ridge) on word weights; the cheap classical baseline."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.model import BaseCard
from headstart.errors import RequestError
from headstart.measure.score import score
from headstart.method.adapted import Model, Signature
from headstart.method.heads import REFITTED, WEIGHTED
from headstart.method.model import Fitted, Method, Setting
from headstart.progress import Progress
from headstart.task.model import Input, Modality, Objective, Task
from headstart.train.evaluate import Predictions

STRENGTHS = (0.3, 3.0, 30.0)  # scikit-learn's C, 1 / alpha for ridge
FEATURES = 50_000  # most frequent words and word pairs kept
SETTINGS = {"ngram_range", "sublinear_tf", "max_features", "analyzer"}
PATTERN = r"(?u)\b\w+\b"
Settings = dict[str, Any]


class TfidfModel(Model):
    """Words and pairs of words, weighted by tf-idf, and a linear head.

    Args:
        signature: What goes in and out.
        settings: Arguments of the vectoriser besides its vocabulary.
        vocabulary: Term → column.
        idf: (V,) inverse document frequencies.
        weight: (C, V), or (1, V) for a regression.
        bias: (C,)
    """

    family = "tfidf"

    def __init__(
        self,
        signature: Signature,
        settings: Settings,
        vocabulary: dict[str, int],
        idf: NDArray[np.float64],
        weight: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> None:
        super().__init__(signature)
        self.settings, self.vocabulary, self.idf = settings, vocabulary, idf
        self.weight, self.bias = weight, bias
        self._vectoriser = _vectoriser(settings, vocabulary)
        self._vectoriser.idf_ = idf

    def outputs(self, inputs: Sequence[Input], progress: Progress | None = None) -> Predictions:
        """Return probabilities or values."""
        features = self._vectoriser.transform(_texts(inputs))
        logits = np.asarray(features @ self.weight.T.astype(np.float64)) + self.bias
        if self.objective is Objective.REAL:
            return np.asarray(logits[:, 0], dtype=np.float64)
        if self.objective is Objective.MULTI_LABEL:
            return np.asarray(1.0 / (1.0 + np.exp(-logits)))
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))

    def save_weights(self, folder: Path) -> dict[str, Any]:
        """Write plain JSON and safetensors: no pickle."""
        from safetensors.numpy import save_file

        terms = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        (folder / "vocabulary.json").write_text(
            json.dumps(terms, ensure_ascii=False), encoding="utf-8"
        )
        tensors = {"idf": self.idf, "weight": self.weight, "bias": self.bias}
        save_file(
            {k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / "model.safetensors"
        )
        return {"vectoriser": self.settings}

    @classmethod
    def load_weights(cls, folder: Path, signature: Signature, extra: dict[str, Any]) -> Model:
        """Return the model that :meth:`save_weights` wrote."""
        from safetensors.numpy import load_file

        unknown = extra["vectoriser"].keys() - SETTINGS
        if unknown:  # scikit-learn takes more of them: some read files, or name code
            raise RequestError(
                f"the vectoriser has an unknown setting '{min(unknown)}'",
                where=str(folder), mend=f"known: {', '.join(sorted(SETTINGS))}",
            )  # fmt: skip
        terms = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "model.safetensors")
        vocabulary = {term: column for column, term in enumerate(terms)}
        return cls(signature, extra["vectoriser"], vocabulary, **tensors)


class Tfidf(Method):
    """TF-IDF of words and word pairs, with a linear head whose strength validation chooses."""

    name = "tfidf"
    summary = "TF-IDF + logistic regression"
    control = True
    needs_base = False

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Only texts have words; a tag needs its place, which a bag of words has lost."""
        if task.modality is not Modality.TEXT:
            return "TF-IDF reads texts only"
        if task.objective is Objective.TAGS:
            return "TF-IDF has no place for the words of a sentence"
        return super().refuse(task, card)

    def fit(self, setting: Setting) -> Fitted:
        """Fit each strength on train, choose on validation, refit on both."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # its vectors are too short to share: threads only wait
            return _fitted(setting)


def _fitted(setting: Setting) -> Fitted:
    started, cpu_started = time.monotonic(), time.process_time()
    task = setting.task
    texts, targets = _texts(task.train.inputs), np.asarray(task.train.targets)
    fixed = setting.hyperparameters.get("strength")
    strengths = STRENGTHS if fixed is None else (fixed,)
    tried = []
    for strength in strengths:
        model = _fit(task, setting.metric, texts, targets, strength)
        found = model.outputs(task.validation.inputs)
        merit = score(task.objective, task.classes, task.validation.targets, found, setting.metric)
        tried.append((merit, strength, found, model))
    _, strength, validation, final = max(tried, key=lambda item: item[0])
    if setting.refit:
        both = [*texts, *_texts(task.validation.inputs)]
        all_targets = np.concatenate([targets, np.asarray(task.validation.targets)])
        final = _fit(task, setting.metric, both, all_targets, strength)
    return Fitted(
        model=final,
        validation=validation,
        test=lambda: final.outputs(task.test.inputs),
        flop=0.0,
        seconds=time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu_started,
        peak_bytes=final.weight.nbytes + final.idf.nbytes,
        trainable_parameters=final.weight.size + final.bias.size,
        chosen={"strength": strength},
        notes=[REFITTED] if setting.refit else [],
    )


def _fit(
    task: Task, metric: str, texts: list[str], targets: NDArray[Any], strength: float
) -> TfidfModel:
    settings: Settings = {"ngram_range": [1, 2], "sublinear_tf": True, "max_features": FEATURES}
    vectoriser = _vectoriser(settings, None)
    try:
        features = vectoriser.fit_transform(texts)
    except ValueError:  # no words at all, only signs
        settings = {**settings, "analyzer": "char_wb", "ngram_range": [1, 3]}
        vectoriser = _vectoriser(settings, None)
        features = vectoriser.fit_transform(texts)
    weight, bias = _solve(task, metric, features, targets, strength)
    vocabulary = {term: int(column) for term, column in vectoriser.vocabulary_.items()}
    return TfidfModel(Signature.of(task), settings, vocabulary, vectoriser.idf_, weight, bias)


def _solve(
    task: Task, metric: str, features: Any, targets: NDArray[Any], strength: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from sklearn.linear_model import Ridge

    if task.objective is Objective.REAL:
        ridge = Ridge(alpha=1.0 / strength).fit(features, targets)
        weight, bias = np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
        return weight.astype(np.float32), bias.astype(np.float32)
    balanced = "balanced" if metric in WEIGHTED else None
    if task.objective is Objective.MULTI_LABEL:
        columns = [_binary(features, targets[:, c], strength) for c in range(targets.shape[1])]
        return (
            np.stack([w for w, _ in columns]).astype(np.float32),
            np.array([b for _, b in columns], dtype=np.float32),
        )
    return _multinomial(features, targets, strength, balanced, len(task.classes))


def _multinomial(
    features: Any, targets: NDArray[Any], strength: float, balanced: str | None, classes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from sklearn.linear_model import LogisticRegression

    solver = LogisticRegression(C=strength, max_iter=1000, class_weight=balanced)
    solver.fit(features, targets)
    weight = np.zeros((classes, features.shape[1]), dtype=np.float32)
    bias = np.full(classes, -30.0, dtype=np.float32)  # classes that train lacks: never
    present = solver.classes_.astype(int)
    if len(present) == 2:  # scikit-learn keeps one row for two classes
        weight[present[1]], bias[present] = solver.coef_[0], [0.0, solver.intercept_[0]]
    else:
        weight[present], bias[present] = solver.coef_, solver.intercept_
    return weight, bias


def _binary(features: Any, targets: NDArray[Any], strength: float) -> tuple[NDArray[Any], float]:
    from sklearn.linear_model import LogisticRegression

    if targets.min() == targets.max():
        return np.zeros(features.shape[1]), 30.0 if targets[0] else -30.0
    solver = LogisticRegression(C=strength, max_iter=1000).fit(features, targets)
    return solver.coef_[0], float(solver.intercept_[0])


def _vectoriser(settings: Settings, vocabulary: dict[str, int] | None) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    arguments = {**settings, "ngram_range": tuple(settings["ngram_range"])}
    if vocabulary is not None:
        arguments.pop("max_features", None)
    return TfidfVectorizer(token_pattern=PATTERN, vocabulary=vocabulary, **arguments)


def _texts(inputs: Sequence[Input]) -> list[str]:
    """Return one text an input; the two sides of a pair are joined."""
    return [item if isinstance(item, str) else " \n ".join(item) for item in inputs]  # type: ignore[arg-type]
