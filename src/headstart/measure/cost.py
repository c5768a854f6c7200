"""What work costs: time and energy as measured, FLOPs and bytes as counted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from headstart.base.model import Batch

RAPL = Path("/sys/class/powercap")


def trainable_parameters(module: nn.Module) -> int:
    """Return the number of weights that training changes."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def forward_flop(module: nn.Module, batch: Batch) -> float:
    """Return the floating-point operations of one forward pass; a multiply-add counts as two.

    Matrix products, convolutions and attention are counted (torch's ``FlopCounterMode``);
    element-wise work is not. The count is the same on every device.
    Backward through everything costs about twice as much again (Kaplan et al. 2020, sec. 2.1).
    """
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            return counted_flop(lambda: module(batch))
    finally:
        module.train(training)


def counted_flop(work: Callable[[], object]) -> float:
    """Return the operations of what ``work`` runs, counted as :func:`forward_flop` does."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # The counter knows no fused attention; written out it has the same operations.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as mode:
        work()
    return float(mode.get_total_flops())


def step_bytes(
    module: nn.Module, loss: Callable[[], Tensor], optimizer_bytes_per_parameter: float = 8.0
) -> int:
    """Return the bytes of tensors alive at the peak of one training step.

    The sum of parameters and buffers (:func:`weight_bytes`), gradients, optimizer state, and
    activations that the forward pass keeps for the backward pass. The last are counted exactly
    with saved-tensor hooks, one time a storage; the number is the same on every run and machine,
    which the resident set of a process is not. Temporaries inside a kernel are not in it. Weights,
    buffers (batch norm) and random state are as before afterwards; nothing is trained.

    Args:
        module: What is trained.
        loss: Runs the forward pass of one micro-batch and returns the loss, a scalar.
        optimizer_bytes_per_parameter: 8 for Adam in float32 (two moments), 4 for SGD with
            momentum, 0 for plain SGD.
    """
    own = _storages(module)
    saved: dict[int, torch.UntypedStorage] = {}  # held, so that an address is not used again

    def pack(tensor: Tensor) -> None:
        # Gives the graph nothing to keep: a tensor it packed itself would hold its own graph, a
        # circle that is never freed.
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage

    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    devices = list(range(torch.cuda.device_count())) if _on_gpu() else []
    with torch.random.fork_rng(devices=devices):
        hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed)
        with torch.enable_grad(), hooks:
            loss()
    with torch.no_grad():
        for buffer, before in buffers:
            buffer.copy_(before)
    trained = [p for p in module.parameters() if p.requires_grad]
    gradients = sum(p.numel() * p.element_size() for p in trained)
    optimizer = optimizer_bytes_per_parameter * sum(p.numel() for p in trained)
    activations = sum(storage.nbytes() for storage in saved.values())
    return int(sum(own.values()) + gradients + optimizer + activations)


def weight_bytes(module: nn.Module) -> int:
    """Return the bytes of parameters and buffers, of quantised ones with the scales they need."""
    return sum(_storages(module).values())


def _storages(module: nn.Module) -> dict[int, int]:
    """Return the bytes of each storage that the module's weights lie in, by its address."""
    kept = [*module.parameters(), *module.buffers()]
    kept += [t for p in kept for t in _scales(getattr(p, "quant_state", None))]
    return {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in kept}


def _scales(state: Any) -> list[Tensor]:
    """Return the tensors of a quantisation (bitsandbytes' QuantState), nested ones too."""
    if state is None:
        return []
    own = [value for value in vars(state).values() if isinstance(value, Tensor)]
    return own + _scales(getattr(state, "state2", None))


@dataclass(frozen=True, slots=True)
class _Counter:
    """One energy counter: joules that only grow, up to ``wrap`` where they start again at 0."""

    read: Callable[[], float]
    wrap: float | None

    def since(self, before: float) -> float:
        spent = self.read() - before
        return spent + self.wrap if spent < 0 and self.wrap else spent


class Meter:
    """Measures a block: wall seconds, processor seconds, joules.

    Attributes:
        seconds: Wall time.
        cpu_seconds: Processor time of this process and its finished children.
        energy_joule: Of the processor packages (Intel/AMD RAPL) and NVIDIA GPUs (NVML) that can
            be read, everything that ran on them meanwhile included; None where none can.
        energy_source: What ``energy_joule`` covers: "cpu", "gpu", "cpu + gpu" or None.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.energy_joule: float | None = None
        self.energy_source: str | None = None

    def __enter__(self) -> Meter:
        _synchronize()
        self._counters = {"cpu": _rapl(), "gpu": _nvml()}
        self._before = {k: [c.read() for c in found] for k, found in self._counters.items()}
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _synchronize()
        self.seconds = time.perf_counter() - self._wall
        self.cpu_seconds = _cpu_seconds() - self._cpu
        sources = [name for name, found in self._counters.items() if found]
        if not sources:
            return
        self.energy_source = " + ".join(sources)
        self.energy_joule = sum(
            counter.since(before)
            for name in sources
            for counter, before in zip(self._counters[name], self._before[name], strict=True)
        )


def _on_gpu() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _synchronize() -> None:
    if _on_gpu():
        torch.cuda.synchronize()


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _rapl(root: Path | None = None) -> list[_Counter]:
    """Return the counters of whole processor packages that may be read.

    Linux ``Documentation/power/powercap``: ``energy_uj`` in microjoules, which wraps at
    ``max_energy_range_uj``. Sub-zones (cores, DRAM) lie inside a package and are not added.
    """
    found = []
    for zone in sorted((root or RAPL).glob("*rapl:*")):
        if zone.name.count(":") != 1 or zone.name.startswith("intel-rapl-mmio"):
            continue  # a sub-zone, or a second view of the same package
        try:
            wrap = int((zone / "max_energy_range_uj").read_text()) / 1e6
            int((zone / "energy_uj").read_text())
        except (OSError, ValueError):
            continue
        path = zone / "energy_uj"
        found.append(_Counter(partial(_joules, path), wrap))
    return found


def _joules(path: Path) -> float:
    return int(path.read_text()) / 1e6


def _nvml() -> list[_Counter]:
    """Return the counters of the visible GPUs, if the optional ``pynvml`` is installed."""
    if not _on_gpu():
        return []
    try:
        pynvml = import_module("pynvml")
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        handles = [_nvml_handle(pynvml, i) for i in range(torch.cuda.device_count())]
        for handle in handles:
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError:
        return []

    def counter(handle: Any) -> _Counter:
        return _Counter(lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3, None)

    return [counter(handle) for handle in handles]


def _nvml_handle(pynvml: Any, index: int) -> Any:
    uuid = f"GPU-{torch.cuda.get_device_properties(index).uuid}"
    return pynvml.nvmlDeviceGetHandleByUUID(uuid)
