"""Modules as ONNX graphs, of free batch and length, and the session that runs one."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headstart.base.model import Batch
from headstart.errors import RequestError, WorkError

MEND = "pip install 'headstart[onnx]'"


class FlatGraph(nn.Module):
    """A module over flat arguments: batch after batch, the tensors of each in the order of keys.

    Args:
        module: Holds the weights.
        keys: Names of a batch's tensors.
        read: What the module does with the batches.
    """

    def __init__(
        self, module: nn.Module, keys: Sequence[str], read: Callable[[tuple[Batch, ...]], Tensor]
    ) -> None:
        super().__init__()
        self.module, self.keys, self.read = module, tuple(keys), read

    def forward(self, *tensors: Tensor) -> Tensor:
        """Return what the module makes of the batches."""
        step = len(self.keys)
        return self.read(
            tuple(
                dict(zip(self.keys, tensors[start : start + step], strict=True))
                for start in range(0, len(tensors), step)
            )
        )


def write_graph(
    graph: nn.Module, names: Sequence[str], example: Sequence[Tensor], path: Path, output: str
) -> None:
    """Write ``graph`` to ``path``; the first axis of every input is free, of texts the second too.

    Args:
        graph: Runs in evaluation mode.
        names: Of the inputs.
        example: Inputs to trace it with; those of 4 axes are images.
        path: A file in a folder that is there.
        output: Name of the one output.

    Raises:
        RequestError: The optional libraries are missing.
        WorkError: The graph cannot be built.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise RequestError(f"ONNX export needs {error.name}", mend=MEND) from error
    batch = torch.export.Dim("batch", min=1)
    shapes = tuple(
        {0: batch} if tensor.ndim == 4 else {0: batch, 1: torch.export.Dim.DYNAMIC}
        for tensor in example
    )
    # a function with a variable number of arguments names their shapes as one tuple
    dynamic = (shapes,) if isinstance(graph, FlatGraph) else shapes
    try:
        with _quiet(), torch.no_grad():
            torch.onnx.export(
                graph.eval(),
                tuple(example),
                str(path),
                input_names=list(names),
                output_names=[output],
                dynamic_shapes=dynamic,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # the exporter raises whatever its passes raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WorkError(f"the model cannot be written as ONNX: {reason}") from error


def open_graph(path: Path, threads: int = 0) -> Any:
    """Return an onnxruntime session on the CPU.

    Args:
        path: What :func:`write_graph` wrote.
        threads: That share a product; 0: as many as there are cores.

    Raises:
        RequestError: onnxruntime is missing.
        WorkError: The file is damaged.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise RequestError("running an ONNX graph needs onnxruntime", mend=MEND) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; its warnings speak to those who write graphs
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own errors share no class of its own
        raise WorkError(f"the ONNX graph cannot be opened: {error}", where=str(path)) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's chatter off the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
