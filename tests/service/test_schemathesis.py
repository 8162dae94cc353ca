"""The API as its OpenAPI document says: an explorer's requests, right and wrong ones, against the real application.

EXPLORER_EXAMPLES sets how many requests of each kind each operation gets.
"""

import os
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from secondlaw.behavior import Transcript
from secondlaw.pipeline.settings import load_settings
from secondlaw.service.app import create_app
from secondlaw.service.evaluating import Evaluator
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.storage import open_store

pytestmark = pytest.mark.unit

EXAMPLES = int(os.environ.get("EXPLORER_EXAMPLES", "8"))
BEYOND_A_SCHEMA = ("POST /v1/events", "PUT /v1/streams/{name}")
"""Where 422 may meet a body that fits the schema: what an event or a setting means, no schema can say."""


def filled(store):
    """Put a stream with a drift and its alarm into the store, so that requests find something."""
    store.events.add(
        [
            Transcript("q", "a", f"{step}-{i}", f"p{i % 5}", stream="0", model="m", step=step, classifier="c",
                       label="g2" if step > 30 and i % 3 else "g1")
            for step in range(40) for i in range(20)
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explored")
    service = ServiceSettings(
        store=f"sqlite:///{folder}/store.db", every=None, workers=0, body_bytes=1 << 16, texts="all", fsync="normal",
        monitor={"baseline_steps": 20, "alpha": 0.001, "idle": 0.0},
    )  # fmt: skip
    with open_store(service.store, settings=service.store_settings) as store:
        parts = Parts(store, service, load_settings())
        filled(store)
        later = datetime.now(UTC) + timedelta(hours=2)
        Evaluator(store, owner="t", clock=lambda: later, alarms=parts.writer, default=service.evaluation).run_once()
        assert store.alarms.list()
        yield create_app(store, service, parts, run_parts=False)


def explored(operation, mode):
    """Send requests of one kind and check every answer with all checks that there are."""

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        answer = case.call()
        meaning = operation.label in BEYOND_A_SCHEMA and answer.status_code == 422
        case.validate_response(answer, excluded_checks=[positive_data_acceptance] if meaning else [])

    try:
        run()
    except Unsatisfiable:  # an operation without parameters has no wrong request
        assert mode is GenerationMode.NEGATIVE
        assert not list(operation.iter_parameters())
        assert not operation.body


def test_every_answer_is_one_that_the_document_names(app, subtests):
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with subtests.test(f"{operation.label} {mode.value}"):
                explored(operation, mode)
