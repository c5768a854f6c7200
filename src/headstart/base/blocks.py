"""Find the depth of a network: its blocks from the input up."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

Block = tuple[str, list[nn.Module]]
_Unit = tuple[str, nn.Module]

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def blocks(module: nn.Module) -> list[Block]:
    """Return the network's depth blocks, bottom to top, as (module path, its modules).

    BERT gives its embeddings, each layer (and the pooler, if it has one); a ResNet its stem and
    each residual block; EfficientNet stem, blocks and final convolution. What has only vectors
    as weights (a normalisation) belongs to the block below it; what has only weights that lie in
    blocks below (a decoder's output layer that is its input table) is none. Parameters that hang
    on the root or on what holds the blocks (ViT's class token, position embedding) are in no
    block; treat them as the bottom.
    """
    found: list[Block] = []
    seen: set[int] = set()
    for path, unit in _opened(module, "", in_stage=False):
        weights = {id(parameter) for parameter in unit.parameters()}
        if weights <= seen:
            continue
        seen |= weights
        if found and _is_leftover(unit):
            found[-1][1].append(unit)
        else:
            found.append((path, [unit]))
    return found


def _units(module: nn.Module, path: str, *, member: bool, in_stage: bool) -> Iterator[_Unit]:
    """Yield ``module`` as one unit, or what it is taken apart into.

    ``member``: it lies in a container. ``in_stage``: a member was opened above it already, so
    it is a block, whatever it is made of.
    """
    if isinstance(module, _CONTAINERS):
        opened = not _is_fused(module)
    elif in_stage:
        opened = False
    else:
        opened = _stack(module) is not None or (not member and _is_wrapper(module))
    if opened:
        stage = in_stage or (member and not isinstance(module, _CONTAINERS))
        yield from _opened(module, path, in_stage=stage)
    else:
        yield path, module


def _opened(module: nn.Module, path: str, *, in_stage: bool) -> Iterator[_Unit]:
    member = isinstance(module, _CONTAINERS)
    for name, child in _parametrised(module):
        child_path = f"{path}.{name}" if path else name
        yield from _units(child, child_path, member=member, in_stage=in_stage)


def _is_wrapper(module: nn.Module) -> bool:
    """A module around one other, such as ViTForImageClassification without its classifier."""
    if next(module.parameters(recurse=False), None) is not None:
        return False  # what hangs on the module itself would be lost
    children = _parametrised(module)
    if len(children) != 1 or isinstance(children[0][1], nn.Sequential):
        return False
    return bool(_parametrised(children[0][1]))  # around a single layer there is nothing to open


def _stack(module: nn.Module) -> nn.Module | None:
    """Return the child that stacks blocks: all of one class, themselves made of modules."""
    candidates = [child for _, child in _parametrised(module) if isinstance(child, _CONTAINERS)]
    for candidate in candidates:
        members = [member for _, member in _parametrised(candidate)]
        alike = len({type(member) for member in members}) == 1
        if alike and _parametrised(members[0]) and not isinstance(members[0], _CONTAINERS):
            return candidate
    return None


def _is_fused(module: nn.Module) -> bool:
    """A convolution with its normalisation (torchvision's Conv2dNormActivation) is one unit."""
    children = _parametrised(module)
    return len(children) <= 2 and not any(_parametrised(child) for _, child in children)


def _is_leftover(module: nn.Module) -> bool:
    return all(parameter.dim() <= 1 for parameter in module.parameters())


def _parametrised(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(n, c) for n, c in module.named_children() if next(c.parameters(), None) is not None]
