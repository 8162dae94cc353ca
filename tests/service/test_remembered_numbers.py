"""What is remembered is what a service shows that was started just now on the same store, whatever was changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from secondlaw.behavior import Transcript
from secondlaw.errors import StorageUnavailable
from secondlaw.service.numbers import Numbers
from secondlaw.service.page_board import Board
from secondlaw.service.page_stretches import Stretches
from secondlaw.storage import Retention, StreamSettings, open_store

pytestmark = pytest.mark.unit

HOUR = 3600
FIRST = 491_628
NOW = datetime.fromtimestamp((FIRST + 30) * HOUR + 60, UTC)
OWN = {
    "name": "own",
    "composition": {
        f"{intent}+{act}": {"comply": "yes", "refuse": "no", "off-topic": "other"}[act]
        for intent in ("benign", "harmful") for act in ("comply", "refuse", "off-topic")
    },
}  # fmt: skip


def taxonomy(misaligned):
    categories = [{"key": key, "name": key.upper(), "misaligned": key == misaligned} for key in ("yes", "no", "other")]
    return OWN | {"categories": categories}


class Looks:
    """The remembering parts of a service."""

    def __init__(self, store):
        self.store, self.numbers = store, Numbers(store, resamples=50)
        self.stretches = Stretches(store, self.numbers)
        self.moments = iter(range(0, 10**6, 10))
        self.board = Board(store, self.numbers, clock=lambda: NOW, monotonic=lambda: next(self.moments))

    def __call__(self, name="chat", model="m"):
        stream = self.store.streams.get(name)
        period = range(FIRST, FIRST + 30) if stream.settings.every else range(30)
        totals = self.store.counts.totals(name, period)
        self.board.lines(lambda _: True)
        self.board.settle(30.0)
        return SimpleNamespace(
            windows=self.numbers.windows(stream, period),
            period=self.numbers.period(stream, period),
            stretches=self.stretches.measured(stream, period, model=model, totals=totals),
            lines=[(one.model, one.numbers, one.when, one.spark) for one in self.board.lines(lambda _: True)],
        )


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db", clock=lambda: NOW) as one:
        yield one


@pytest.fixture
def settled(store):
    """Return a check: old looks see what new ones see."""
    old = Looks(store)

    def check(**options):
        seen = old(**options)
        assert seen == Looks(store)(**options)
        return seen

    return check


def send(store, *, models=("m",), labels=("g1", "g1", "g1", "g2"), prompts=6, every=HOUR, windows=8, text=False, n=24):
    def one(model, window, k):
        texts = (f"question {k % prompts}", f"answer {k}") if text else ("", "")
        at = {"ts": datetime.fromtimestamp((FIRST + window) * HOUR + k, UTC)} if every else {"step": window}
        return Transcript(
            *texts, f"{model}-{window}-{k}", f"p{k % prompts}", stream="chat", model=model, classifier="c 1",
            label=labels[k % len(labels)], **at,
        )  # fmt: skip

    accepted = store.events.add([one(m, window, k) for m in models for window in range(windows) for k in range(n)])
    assert not accepted.rejected


@pytest.mark.parametrize("models", [("q",), ("q", "m")])
def test_a_stream_made_again_under_its_name_shows_nothing_of_the_one_that_was_deleted(store, settled, models):
    """As many responses of as many categories in the same windows, but of others' models and prompts."""
    before = ("m", "q")[: len(models)]
    send(store, models=before[:1], labels=("g1", "g2"))
    send(store, models=before[1:], labels=("g1", "g1", "g1", "g2"))
    settled(model=before[0])
    store.streams.delete("chat", who="test")
    send(store, models=models[:1], labels=("g1", "g2"), prompts=2)
    send(store, models=models[1:], labels=("g1", "g1", "g1", "g2"), prompts=2)
    seen = settled(model=models[0])
    assert {one.model for one in seen.windows} == {one[0] for one in seen.lines} == set(models)
    assert all(numbers is not None and numbers.n_prompts == 2 for _, numbers in seen.stretches)


def test_until_they_are_measured_a_stream_made_again_has_no_numbers(store):
    send(store)
    looks = Looks(store)
    looks()
    store.streams.delete("chat", who="test")
    send(store, labels=("g3",))

    def away(stream, windows):
        raise StorageUnavailable("away")

    looks.numbers.windows = away
    (line,) = looks.board.lines(lambda _: True)
    assert line.numbers is None


def test_other_categories_are_misaligned_from_now_on(store, settled):
    settings = StreamSettings(every=None, keys=("yes", "no", "other"), extra={"taxonomy": taxonomy("no")})
    store.streams.create("chat", settings)
    send(store, labels=("yes", "yes", "no"), every=None)
    assert settled().period[0].misaligned.value == pytest.approx(1 / 3)
    changed = StreamSettings(every=None, keys=("yes", "no", "other"), extra={"taxonomy": taxonomy("other")})
    store.streams.change("chat", changed, who="test")
    seen = settled()
    assert (seen.period[0].misaligned.value, seen.stretches[0][0].misaligned.value) == (0.0, 0.0)


def test_counts_that_were_compacted_have_no_numbers_and_the_others_keep_their_windows(store, settled):
    store.streams.create("chat", StreamSettings(every=HOUR, retention=Retention(cluster_days=1)))
    send(store, windows=20)
    whole = settled()
    assert [one.window for one in whole.windows] == list(range(FIRST, FIRST + 20))
    assert store.admin.purge().clusters > 0
    kept_from = store.streams.get("chat").compacted_before
    assert FIRST < kept_from < FIRST + 20
    seen = settled()
    assert [one.window for one in seen.windows] == list(range(kept_from, FIRST + 20))
    values = [(one.n, one.n_prompts, one.entropy.value, one.counts) for one in seen.windows]
    assert values == [
        (one.n, one.n_prompts, one.entropy.value, one.counts) for one in whole.windows[kept_from - FIRST :]
    ]


def test_nothing_is_measured_of_counts_that_are_half_compacted(store):
    store.streams.create("chat", StreamSettings(every=HOUR))
    send(store)
    looks, whole = Looks(store), store.streams.get("chat")
    half = replace(whole, compacted_before=FIRST + 8)  # said before the first row is deleted
    assert looks.numbers.windows(half, range(FIRST, FIRST + 8)) == ()
    assert len(looks.numbers.windows(whole, range(FIRST, FIRST + 8))) == 8


def test_labels_count_as_the_texts_that_are_left_say(tmp_path):
    now = [NOW]
    with open_store(f"sqlite:///{tmp_path}/texts.db", clock=lambda: now[0]) as store:
        store.streams.create("chat", StreamSettings(every=None, retention=Retention(texts="all", text_days=30)))
        send(store, every=None, windows=2, text=True, n=80)
        for one in store.labels.to_label("chat", annotator="ann", limit=130):
            store.labels.add("chat", one.id, label="g2", annotator="ann")
        old = Looks(store)
        first = old()
        assert first.period[0].correction != "none"
        store.labels.add("chat", one.id, label="g1", annotator="ann")
        assert old() == Looks(store)() != first
        now[0] += timedelta(days=60)
        assert store.admin.purge().texts > 0
        assert old() == Looks(store)()


def test_the_board_forgets_streams_that_are_gone(store):
    send(store)
    looks = Looks(store)
    looks()
    assert looks.board._latest._measured.keys() == {"chat"}
    store.streams.delete("chat", who="test")
    assert looks.board.lines(lambda _: True) == ()
    assert not looks.board._latest._measured


def test_a_stream_of_unknown_categories_holds_up_no_overview(store):
    store.streams.create("odd", StreamSettings(every=None, keys=("a", "b")))
    store.events.add([Transcript("", "", "1", "p", stream="odd", step=1, label="a", classifier="c 1")])
    send(store)
    assert {line.stream for line in Looks(store).board.lines(lambda _: True)} == {"odd", "chat"}
