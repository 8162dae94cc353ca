"""Vectors of texts that were read before: a repeated text is read once, the least recently used go first."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["RememberedTexts"]

Vectors = npt.NDArray[np.float32]


class RememberedTexts:
    """Remembers the vectors of texts.

    Parameters
    ----------
    most : int
        How many are kept between calls.

    Examples
    --------
    >>> known, asked = RememberedTexts(10), []
    >>> def lengths(texts):
    ...     asked.extend(texts)
    ...     return [np.float32([len(text)]) for text in texts]
    >>> [float(one[0]) for call in (["a", "bb", "a"], ["bb"]) for one in known.vectors(call, lengths)], asked
    ([1.0, 2.0, 1.0, 2.0], ['a', 'bb'])
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    def vectors(self, texts: Sequence[str], encode: Callable[[list[str]], Iterable[Vectors]]) -> list[Vectors]:
        """Return the vector of each text.

        Parameters
        ----------
        texts : sequence of str
        encode : callable
            Returns a vector for each of some texts; asked for those that are not known, each once, if there are any.
        """
        distinct = dict.fromkeys(texts)
        held = {text: self._known[text] for text in distinct if text in self._known}
        if new := [text for text in distinct if text not in held]:
            # Copies: a row of a large array would keep all of it.
            held |= {text: vector.copy() for text, vector in zip(new, encode(new), strict=True)}
        for text, vector in held.items():
            self._known[text] = vector
            self._known.move_to_end(text)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return [held[text] for text in texts]
