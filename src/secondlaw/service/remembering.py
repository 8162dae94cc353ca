"""Results of costly work, remembered until what they were made from changes; those not asked for longest go first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Remembered"]

T = TypeVar("T")


class Remembered(Generic[T]):
    """Results by place.

    Parameters
    ----------
    most : int
        Results kept.

    Examples
    --------
    >>> squares = Remembered[int](2)
    >>> squares.of("a", lambda: 9, made_from=3), squares.of("a", lambda: 0, made_from=3)
    (9, 9)
    >>> squares.of("a", lambda: 16, made_from=4)
    16
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, tuple[object, T]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, place: Hashable, make: Callable[[], T], *, made_from: object = None) -> T:
        """Return what is remembered at a place, made where there is nothing, or something made from something else.

        Two who ask at once may both make it.
        """
        with self._lock:
            known = self._known.get(place)
            if known is not None and known[0] == made_from:
                self._known.move_to_end(place)
                return known[1]
        found = make()
        with self._lock:
            self._known[place] = made_from, found
            self._known.move_to_end(place)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found
