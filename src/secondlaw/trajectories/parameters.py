"""The settings of an estimator by name, as scikit-learn reads and clones them."""

from dataclasses import fields, replace
from typing import Any, Self

__all__ = ["Parameters"]


class Parameters:
    """Settings of a frozen dataclass by name: ``sklearn.base.clone`` and parameter grids work with them."""

    __slots__ = ()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return every setting by its name; `deep` is scikit-learn's and changes nothing here."""
        return {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]

    def set_params(self, **changed: Any) -> Self:  # noqa: ANN401
        """Return an estimator with other settings; unlike scikit-learn's, this one stays as it is."""
        return replace(self, **changed)  # type: ignore[type-var]
