"""Texts are kept as the retention says; the sample is uniform, and so is what people have labelled of it."""

import json
import shutil

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from secondlaw.behavior import Transcript
from secondlaw.errors import InvalidInput, NotFound
from secondlaw.storage import Retention, StreamSettings, mask_private, open_store

HOUR = 491_628


def label_next(store, n, *, annotator="ann", label="g1"):
    for text in store.labels.to_label("s", annotator=annotator, limit=n):
        store.labels.add("s", text.id, label=label, annotator=annotator)


@pytest.mark.unit
def test_no_text_is_kept_where_none_is_wanted(open_it, event):
    store = open_it(texts="none")
    store.events.add([event(k, text=True) for k in range(5)])
    store.events.add([event(k, text=True, label=None) for k in range(5, 8)])
    batch = store.queue.lease(owner="w")
    store.queue.complete(batch, {item.id: "g1" for item in batch.items}, classifier="c/1")
    assert store.counts.read("s").total == 8
    assert store.texts.read("s") == ()
    assert store.admin.sizes().rows["queue"] == 0


@pytest.mark.unit
def test_all_texts_are_kept_with_their_labels(store, event):
    store.events.add([event(k, text=True, label=f"g{1 + k % 2}", label_probs={"g1": 0.75}) for k in range(50)])
    found = store.texts.read("s", limit=100)
    assert len(found) == 50
    assert {text.inclusion_probability for text in found} == {1.0}
    assert [text.priority for text in found] == sorted(text.priority for text in found)
    one = next(text for text in found if text.event == "e3")
    assert (one.category, one.prompt, one.window, one.label_probs) == ("g2", "question 3", HOUR, {"g1": 0.75})
    assert store.texts.get("s", one.id) == one
    assert {text.category for text in store.texts.read("s", category="g2", limit=9)} == {"g2"}
    assert store.texts.read("s", model="other") == ()
    with pytest.raises(NotFound, match="any more"):
        store.texts.get("s", 999_999)


@pytest.mark.unit
def test_a_sample_is_bounded_and_rare_categories_have_examples(open_it, event):
    store = open_it(texts="sample")  # 20 a window, 4 a category
    for start in range(0, 600, 50):
        labels = ["g4" if k % 100 == 7 else "g1" for k in range(start, start + 50)]
        store.events.add([event(start + k, text=True, label=label) for k, label in enumerate(labels)])
    kept = store.texts.read("s", limit=1000)
    assert 20 <= len(kept) <= 20 + 4 + 2 * 16
    assert len(store.texts.read("s", category="g4", limit=100)) >= 4
    sampled = store.texts.read("s", limit=1000, sampled_only=True)
    threshold = sampled[0].inclusion_probability
    assert {text.inclusion_probability for text in sampled} == {threshold}
    assert all(text.priority < threshold for text in sampled)
    assert all(text.priority >= threshold for text in kept if text.inclusion_probability is None)


@pytest.mark.unit
def test_the_sample_does_not_depend_on_order_or_batches(sqlite_template, tmp_path, event):
    """Of one secret, two stores that see the same events in another order keep the same smallest priorities."""
    events = [event(k, text=True) for k in range(300)]
    new = StreamSettings(retention=Retention(texts="sample", texts_per_window=20, examples_per_category=0))
    found = []
    for order, size in ((events, 7), (events[::-1], 110)):
        shutil.copy(sqlite_template, tmp_path / f"{size}.db")
        with open_store(f"sqlite:///{tmp_path}/{size}.db") as store:
            store.streams.create("s", new)
            for k in range(0, 300, size):
                store.events.add(order[k : k + size])
            found.append([text.event for text in store.texts.read("s", limit=20)])
    assert found[0] == found[1]


@pytest.mark.unit
def test_texts_are_masked_before_they_are_stored(open_it, url, tmp_path, backend):
    store = open_it(mask=mask_private)
    secret = "ann.secret@example.org"
    event = Transcript(
        f"I am {secret}",
        f"Hello {secret}",
        id="a",
        prompt_id="p",
        stream="s",
        extra={"from": secret, "messages": [secret]},
    )
    store.events.add([event])
    assert store.queue.lease(owner="w").items[0].transcript.prompt == "I am [email]"
    store.admin.export(tmp_path / "all")
    assert secret not in "".join(file.read_text() for file in (tmp_path / "all").iterdir())
    if backend == "sqlite":
        store.close()
        assert secret.encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("store-0.db*"))


@pytest.mark.unit
@pytest.mark.parametrize("texts", ["sample", "all"])
def test_labelled_texts_are_masked_too(open_it, event, texts):
    store = open_it(mask=mask_private, texts=texts)
    for k in range(4):  # the stream is new to the first, known to the others
        store.events.add([event(k, text=True, prompt_id="p")])
        store.events.add(
            [Transcript("to a@b.org", "x", id=f"m{k}", prompt_id="p", stream="s", label="g1", classifier="c")]
        )
    assert {text.prompt for text in store.texts.read("s") if text.event.startswith("m")} == {"to [email]"}


@pytest.mark.unit
def test_labels_of_people(open_it, event):
    store = open_it()
    store.events.add([event(k, text=True, label=f"g{1 + k % 5}") for k in range(10)])
    first = store.labels.to_label("s", annotator="ann", limit=3)
    given = store.labels.add("s", first[0].id, label="g2", annotator="ann", seconds=4.5)
    assert (given.label, given.machine_label, given.seconds) == ("g2", first[0].category, 4.5)
    assert store.labels.to_label("s", annotator="ann", limit=2) == first[1:]
    assert store.labels.to_label("s", annotator="bob", limit=3) == first
    changed = store.labels.add("s", first[0].id, label=None, annotator="ann")
    assert (changed.id, changed.label) == (given.id, None)
    store.labels.add("s", first[0].id, label="outside", annotator="bob")
    assert [(one.annotator, one.label) for one in store.labels.list("s")] == [("ann", None), ("bob", "outside")]
    assert [one.label for one in store.labels.list("s", annotator="bob")] == ["outside"]
    with pytest.raises(InvalidInput, match="g9"):
        store.labels.add("s", first[1].id, label="g9", annotator="ann")
    with pytest.raises(NotFound):
        store.labels.add("s", 10**6, label="g1", annotator="ann")


@pytest.mark.unit
def test_labels_that_come_with_events_learn_the_machines(store, event):
    store.events.add([event(0, text=True, label=None, human_label="g3", annotator="ann", inclusion_probability=0.5)])
    assert store.labels.list("s")[0].machine_label is None
    batch = store.queue.lease(owner="w")
    store.queue.complete(
        batch, {batch.items[0].id: "g1"}, classifier="c/1", probs={batch.items[0].id: {"g1": 0.9, "g3": 0.1}}
    )
    (found,) = store.labels.list("s")
    assert (found.label, found.machine_label, found.classifier) == ("g3", "g1", "c/1")
    assert (found.inclusion_probability, found.label_probs) == (0.5, {"g1": 0.9, "g3": 0.1})
    sample = store.labels.sample("s")
    assert (sample.labels, sample.left_out) == ((), 1)


@pytest.mark.unit
def test_what_was_labelled_in_order_is_the_sample_and_the_rest_left_out(open_it, event):
    store = open_it()
    store.events.add([event(k, text=True) for k in range(100)])
    everything = store.texts.read("s", limit=100)
    label_next(store, 30)
    store.labels.add("s", everything[60].id, label="g1", annotator="ann")  # out of order
    sample = store.labels.sample("s")
    assert (len(sample.labels), sample.population, sample.left_out) == (30, 100, 1)
    assert sample.inclusion_probability == everything[30].priority
    label_next(store, 100)
    assert store.labels.sample("s").inclusion_probability == 1.0


@pytest.mark.unit
def test_texts_that_went_unlabelled_still_bound_the_sample(open_it, event, clock):
    store = open_it()
    store.events.add([event(k, text=True) for k in range(50)])
    label_next(store, 10)
    before = store.labels.sample("s")
    clock.move(days=31)
    assert store.admin.purge().texts == 50
    after = store.labels.sample("s")
    assert (after.labels, after.inclusion_probability) == (before.labels, before.inclusion_probability)


@pytest.mark.unit
def test_one_annotators_sample_is_not_anothers(open_it, event, clock):
    store = open_it()
    store.events.add([event(k, text=True) for k in range(50)])
    label_next(store, 20)
    label_next(store, 5, annotator="bob")
    own = store.labels.sample("s", annotator="bob")
    assert len(own.labels) == 5
    assert len(store.labels.sample("s", annotator="ann").labels) == 20
    assert len({one.event for one in store.labels.sample("s").labels}) == 20
    clock.move(days=31)
    store.admin.purge()
    assert store.labels.sample("s", annotator="bob") == own


@pytest.mark.calibration
def test_weights_of_the_sample_are_right(sqlite_template, tmp_path):
    """Horvitz-Thompson totals are unbiased over windows, each of which is a sample of its own."""
    path = tmp_path / "store.db"
    shutil.copy(sqlite_template, path)
    rng = np.random.default_rng(1)
    n, m, windows = 80, 20, 80
    with open_store(f"sqlite:///{path}") as store:
        retention = Retention(texts="sample", texts_per_window=m, examples_per_category=2)
        store.streams.create("s", StreamSettings(every=None, retention=retention))
        truth, estimate = [], []
        for window in range(windows):
            labels = ["g2" if u < 0.3 else "g1" for u in rng.random(n)]
            store.events.add(
                [
                    Transcript(
                        "q",
                        "a",
                        id=f"{window}/{k}",
                        prompt_id="p",
                        stream="s",
                        step=window,
                        label=label,
                        classifier="c",
                    )
                    for k, label in enumerate(labels)
                ]
            )
            kept = store.texts.read("s", range(window, window + 1), limit=n, sampled_only=True)
            assert m <= len(kept) <= m + 16
            truth.append(labels.count("g2"))
            estimate.append(sum(1 / text.inclusion_probability for text in kept if text.category == "g2"))
    error = np.array(estimate) - np.array(truth)
    assert abs(error.mean()) < 3.5 * error.std(ddof=1) / np.sqrt(windows)
    assert error.std() > 1  # it is an estimate


@pytest.mark.calibration
def test_priorities_are_uniform_and_independent_of_the_events(sqlite_template, tmp_path, event):
    path = tmp_path / "store.db"
    shutil.copy(sqlite_template, path)
    with open_store(f"sqlite:///{path}") as store:
        store.streams.create("s", StreamSettings(retention=Retention(texts="all")))
        store.events.add([event(k, text=True, label=f"g{1 + k % 2}") for k in range(3000)])
        found = store.texts.read("s", limit=3000)
    assert kstest([text.priority for text in found], "uniform").pvalue > 1e-4
    first = [text.category for text in found[:500]]
    assert binomtest(first.count("g1"), 500, 0.5).pvalue > 1e-4


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ann@example.org, b.c+d@x.co.uk", "[email], [email]"),
        ("ring +49 170 1234567 or (030) 1234 5678 or 555-123-4567", "ring [phone] or [phone] or [phone]"),
        ("card 4111-1111-1111-1111 and 4111 1111 1111 1112", "card [card] and 4111 1111 1111 1112"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN [iban]."),
        ("key sk-proj-abcDEF0123456789abcd and AKIAIOSFODNN7EXAMPLE", "key [secret] and [secret]"),
        ("Authorization: Bearer abc123def456 end", "Authorization: Bearer [secret] end"),
        ("password = hunter2hunter2", "password = [secret]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----!", "[secret]!"),
        ("In 2024, 1,000,000 people; 3.14159265358979; v1.2.3; 10:30-11:45", None),
        ("The secret of baking is patience; the password policy is strict.", None),
        ("2026-01-31T12:00:00Z and 192.168.100.200", None),
    ],
)
def test_masking(text, masked):
    assert mask_private(text) == (text if masked is None else masked)


@pytest.mark.unit
def test_stream_settings_survive_as_json():
    settings = StreamSettings(
        every=None, retention=Retention(texts="all", cluster_days=None), monitors={"m": {"alpha": 1}}
    )
    assert StreamSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    with pytest.raises(InvalidInput, match="some"):
        StreamSettings.from_dict({"retention": {"texts": "some"}})
    with pytest.raises(InvalidInput, match="nonsense"):
        StreamSettings.from_dict({"nonsense": 1})
