"""The graph of a base: written once, kept within bounds, refused where it cannot be."""

from __future__ import annotations

import sys

import pytest

from headstart.errors import RequestError, WorkError
from headstart.train.backend import onnx as module
from headstart.train.backend.onnx import Onnx, graph_path

from .helpers import text_batch


@pytest.fixture(autouse=True)
def _installed():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")


def test_a_graph_is_written_once_and_opened_again(bert, tmp_path, monkeypatch):
    first = Onnx(bert, False, tmp_path).features(text_batch(bert))
    monkeypatch.setattr(module, "write_graph", None)  # would fail
    again = Onnx(bert, False, tmp_path).features(text_batch(bert))
    assert first.tobytes() == again.tobytes()


def test_words_and_texts_have_graphs_of_their_own(bert, tmp_path):
    assert graph_path(bert, True, tmp_path) != graph_path(bert, False, tmp_path)


def test_a_failed_export_leaves_no_file(bert, tmp_path, monkeypatch):
    def fail(graph, names, example, path, output):
        path.write_bytes(b"half")
        raise WorkError("no such operator")

    monkeypatch.setattr(module, "write_graph", fail)
    with pytest.raises(WorkError):
        Onnx(bert, False, tmp_path)
    assert list((tmp_path / module.FOLDER).iterdir()) == []


def test_graphs_beyond_the_limit_are_dropped_but_the_newest(bert, tmp_path, monkeypatch):
    Onnx(bert, False, tmp_path)
    monkeypatch.setattr(
        module, "LIMIT_BYTES", graph_path(bert, False, tmp_path).stat().st_size * 3 // 2
    )
    Onnx(bert, True, tmp_path)
    assert list((tmp_path / module.FOLDER).iterdir()) == [graph_path(bert, True, tmp_path)]


def test_too_many_weights_for_one_file_are_refused(bert, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST", 10)
    with pytest.raises(WorkError, match="too many weights"):
        Onnx(bert, False, tmp_path)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_libraries_the_mend_is_named(bert, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(RequestError) as refused:
        Onnx(bert, False, tmp_path)
    assert "headstart[onnx]" in str(refused.value)
