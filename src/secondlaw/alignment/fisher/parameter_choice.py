"""Which parameters of a network the Fisher matrix is of: all, the trainable ones, or those whose names match."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import Tensor, nn

from secondlaw.errors import InvalidInput

__all__ = ["choose_parameters"]


def choose_parameters(model: nn.Module, wanted: str | Sequence[str] | None) -> dict[str, Tensor]:
    """Return the chosen parameters by name, each once however many names it has.

    Parameters
    ----------
    model : nn.Module
    wanted : str or sequence of str, optional
        ``"trainable"`` (also if None), ``"all"``, or patterns such as ``"model.layers.0.*"``. A tied parameter is
        chosen if any of its names matches.

    Raises
    ------
    InvalidInput
        If the model has no parameters, or none is chosen.
    """
    aliases: dict[int, list[str]] = {}
    held: dict[int, Tensor] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        aliases.setdefault(id(parameter), []).append(name)
        held[id(parameter)] = parameter
    floating = {key: one for key, one in held.items() if one.is_floating_point() and one.numel()}
    if not floating:
        raise InvalidInput(f"{type(model).__name__} has no parameters of floating point; a Fisher matrix is over them")
    if wanted is None or wanted == "trainable":
        chosen = {aliases[key][0]: one for key, one in floating.items() if one.requires_grad}
        if not chosen:
            raise InvalidInput("every parameter of the model is frozen; ask for parameters='all', or for names")
        return chosen
    patterns = [wanted] if isinstance(wanted, str) else list(wanted)
    if patterns == ["all"]:
        patterns = ["*"]
    chosen = {
        aliases[key][0]: one
        for key, one in floating.items()
        if any(fnmatchcase(name, pattern) for name in aliases[key] for pattern in patterns)
    }
    if not chosen:
        shown = ", ".join(names[0] for names in list(aliases.values())[:3])
        raise InvalidInput(f"no parameter has a name like {', '.join(patterns)}; names are {shown}, ...")
    return chosen
