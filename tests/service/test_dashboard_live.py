"""Telling open pages of changes: one look for all, an event a change, an end with the token and with the service."""

import asyncio

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from secondlaw.errors import StorageUnavailable
from secondlaw.service.live import Live

pytestmark = pytest.mark.unit


class Request:
    gone = False

    async def is_disconnected(self):
        return self.gone


def listen(live, seen, *, allowed=lambda: True, request=None, most=3, seconds=120.0, shown=None):
    async def collect():
        found = []
        async with asyncio.timeout(seconds):
            async for event in live.events(request or Request(), "topic", seen, allowed=allowed, shown=shown):
                found.append((event.event, event.data["version"]))
                if len(found) == most:
                    break
        return found

    return asyncio.run(collect())


def test_everybody_who_waits_shares_one_look():
    clock = [0.0]
    live = Live(every=2.0, monotonic=lambda: clock[0])
    looks = []

    def seen():
        looks.append(clock[0])
        return len(looks) // 3

    first = [live.version("overview", seen) for _ in range(50)]
    assert len(looks) == 1
    assert len(set(first)) == 1
    clock[0] = 2.5
    assert live.version("overview", seen) == first[0]
    clock[0] = 5.0
    assert live.version("overview", seen) > first[0]
    assert live.version("other", lambda: 0) != live.version("overview", seen)


def test_an_event_comes_for_every_change():
    live, looks = Live(every=0.01), iter(range(1000))
    found = listen(live, lambda: next(looks))
    assert [name for name, _ in found] == ["hello", "changed", "changed"]
    versions = [version for _, version in found]
    assert versions == sorted(set(versions))


def test_a_change_between_a_page_and_its_listening_is_told_at_once():
    gone = Request()
    gone.gone = True
    assert listen(Live(every=0.01), lambda: 7, request=gone, shown=6) == [("hello", 1), ("changed", 1)]
    assert listen(Live(every=0.01), lambda: 7, request=gone, shown=7) == [("hello", 1)]


def test_a_page_that_comes_while_the_store_is_away_is_told_when_it_is_back():
    looks = iter([True, True, False, False])

    def seen():
        if next(looks):
            raise StorageUnavailable("away")
        return 1

    assert [name for name, _ in listen(Live(every=0.01), seen, most=2)] == ["hello", "changed"]


def test_it_ends_with_the_token_and_with_the_service():
    answers = iter([True, False])
    assert listen(Live(every=0.01), lambda: 1, allowed=lambda: next(answers)) == [("hello", 1)]
    ends = iter([False, True])
    assert listen(Live(every=0.01, stopping=lambda: next(ends)), lambda: 1) == [("hello", 1)]
    gone = Request()
    gone.gone = True
    assert listen(Live(every=0.01), lambda: 1, request=gone) == [("hello", 1)]


def test_a_store_that_is_away_ends_nothing():
    looks = iter([1, StorageUnavailable("away"), 2])

    def seen():
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    found = listen(Live(every=0.01), seen, most=2)
    assert [name for name, _ in found] == ["hello", "changed"]
