"""The settings of an estimator by name, as scikit-learn reads, grids and clones them."""

from collections.abc import Iterable
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any, Self

from secondlaw.errors import InvalidInput

__all__ = ["Parameters"]


class Parameters:
    """Settings of a frozen dataclass by name: ``sklearn.base.clone`` and parameter grids work with them.

    Every estimator has it, and so do the bases of currents; ``fit`` returns a result and leaves the estimator as it is.

    Examples
    --------
    >>> from secondlaw.trajectories import Currents, PolynomialBasis
    >>> finer = Currents(PolynomialBasis(2)).set_params(basis__degree=4, folds=4)
    >>> finer.basis, finer.get_params()["basis__degree"]
    (PolynomialBasis(degree=4, constant=True), 4)
    """

    __slots__ = ()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return every setting by its name; with `deep` also those of settings that have some, as ``outer__inner``."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]
        if deep:
            for outer, value in list(found.items()):
                if isinstance(value, Parameters):
                    found |= {f"{outer}__{inner}": setting for inner, setting in value.get_params().items()}
        return found

    def set_params(self, **changed: Any) -> Self:  # noqa: ANN401
        """Return an estimator with other settings; unlike scikit-learn's, this one stays as it is.

        Raises
        ------
        InvalidInput
            If there is no setting of a name.
        """
        known = {one.name for one in fields(self)}  # type: ignore[arg-type]
        own: dict[str, Any] = {}
        inner: dict[str, dict[str, Any]] = {}
        for name, value in changed.items():
            outer, _, rest = name.partition("__")
            if outer not in known:
                raise InvalidInput(_unknown(type(self).__name__, name, known))
            if rest:
                inner.setdefault(outer, {})[rest] = value
            else:
                own[name] = value
        for outer, settings in inner.items():
            held = own.get(outer, getattr(self, outer))
            if not isinstance(held, Parameters):
                raise InvalidInput(
                    f"the setting {outer} of {type(self).__name__} is {held!r}, which has no settings of its own"
                )
            own[outer] = held.set_params(**settings)
        return replace(self, **own)  # type: ignore[type-var]


def _unknown(estimator: str, name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1)
    guess = f"; perhaps {close[0]}" if close else ""
    return f"{estimator} has no setting {name!r}{guess}: it has {', '.join(sorted(known))}"
