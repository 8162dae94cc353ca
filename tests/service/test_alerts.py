"""Alerts as values, and in words."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback_receiver import START, drift_alert

from secondlaw.errors import InvalidInput
from secondlaw.service.alert_parts import Began, fingerprint_of
from secondlaw.service.alerts import NAMES, Alert
from secondlaw.service.receivers.wording import annotations, facts, summary, title
from secondlaw.types import Insufficient

pytestmark = pytest.mark.unit

TEXTS = st.text(max_size=30)


def test_an_alert_comes_back_from_json_as_it_was():
    alert = replace(
        drift_alert(), starts_at=START + timedelta(microseconds=123_456), entropy=Insufficient("12 responses")
    )
    again = Alert.from_dict(json.loads(json.dumps(alert.to_dict())))
    assert again == alert
    ended = alert.resolved(START + timedelta(hours=1))
    assert Alert.from_dict(json.loads(json.dumps(ended.to_dict()))) == ended
    steps = replace(alert, began=Began(104, 98, 120, 0.95))
    assert Alert.from_dict(json.loads(json.dumps(steps.to_dict()))) == steps


@pytest.mark.law
@given(stream=TEXTS, model=TEXTS, reason=TEXTS)
def test_any_name_survives_and_holds_no_control_character(stream, model, reason):
    alert = drift_alert(stream, model=model, reason=reason)
    assert Alert.from_dict(json.loads(json.dumps(alert.to_dict()))) == alert
    lines = [title([alert]), *alert.labels.values()]
    assert all(text.isprintable() or "\u200d" in text or "\u200c" in text for text in lines)
    assert all(alert.labels.values())


def test_the_fingerprint_depends_on_what_is_alarmed_on_alone():
    alert = drift_alert()
    later = replace(alert, starts_at=START + timedelta(days=1), score="misaligned", log_evidence=99.0, n=5)
    assert later.fingerprint == alert.fingerprint == alert.resolved(START).fingerprint == "d0c066270f8d72c6"
    others = [
        replace(alert, **change) for change in ({"stream": "x"}, {"model": "x"}, {"monitor": "x"}, {"kind": "missing"})
    ]
    assert len({one.fingerprint for one in [alert, *others]}) == 5
    assert "model" not in replace(alert, model="").labels


def test_a_byte_between_name_and_value_keeps_labels_apart():
    assert fingerprint_of({"a": "bc"}) != fingerprint_of({"ab": "c"})


@pytest.mark.parametrize(
    "change",
    [
        {"state": "resolved"},
        {"ends_at": START},
        {"kind": "weather"},
        {"promise": "trust me"},
        {"starts_at": START.replace(tzinfo=None)},
        {"state": "resolved", "ends_at": START - timedelta(seconds=1)},
    ],
)
def test_what_is_no_alert_is_refused(change):
    with pytest.raises(InvalidInput):
        drift_alert(**change)


@pytest.mark.parametrize("damage", ["starts_at", "state", "stream", "ends_at"])
def test_a_damaged_payload_is_an_error_of_ours(damage):
    values = drift_alert().to_dict()
    del values[damage]
    with pytest.raises(InvalidInput, match="no alert"):
        Alert.from_dict(values)


def test_an_end_before_the_start_is_set_to_the_start():
    assert drift_alert().resolved(START - timedelta(hours=1)).ends_at == START


def test_evidence_that_is_no_number_is_left_out():
    assert json.loads(json.dumps(drift_alert(log_evidence=float("-inf")).to_dict()))["log_evidence"] is None


def test_the_sentence_says_what_is_known():
    alert = drift_alert()
    assert summary(alert) == (
        "support / gpt-x drifts in surprisal, since 2026-03-01 09:00 UTC [2026-03-01 07:00 UTC to "
        "2026-03-01 12:00 UTC]; log e-value 12.30, alarm at 9.21."
    )
    assert summary(alert.resolved(START + timedelta(hours=3))) == (
        "support / gpt-x: drift resolved at 2026-03-01 15:00 UTC, after 3 hours."
    )
    missing = drift_alert(kind="missing", reason="monitored, n = 0: nothing was seen since step 7")
    assert summary(missing) == (
        "support / gpt-x: monitored, n = 0: nothing was seen since step 7, alarm of 2026-03-01 12:00 UTC."
    )
    assert all(summary(drift_alert(kind=kind, began=None, reason="")) for kind in NAMES)


def test_numbers_come_with_intervals_and_promises_with_their_budget():
    found = facts(drift_alert())
    assert found["entropy"] == "0.610 nats [0.550, 0.680] (95 % interval)"
    assert found["misaligned_share"] == "8.0 % [5.0, 12.0] (95 % interval)"
    assert "0.0001 false alarms a step are expected; 0.03 spent so far" in found["promise"]
    cusum = facts(drift_alert(detector="CUSUM", promise=None, alpha=None, spent=None))
    assert cusum["promise"] == "CUSUM: nothing bounds its false alarms"
    assert cusum["evidence"].startswith("evidence 12.30")  # no e-value without a promise
    assert facts(drift_alert(entropy=Insufficient("12 responses")))["entropy"] == "no number: 12 responses"


def test_annotations_are_texts_and_hold_the_link():
    found = annotations(drift_alert())
    assert found["link"] == "https://drift.example.org/streams/support"
    assert all(isinstance(value, str) and value for value in found.values())
    assert found["responses"] == "400"


def test_long_words_are_cut():
    assert len(drift_alert(attribution="g4 " * 1000).attribution) < 500
