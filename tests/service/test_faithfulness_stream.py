"""Topics and SF of answers in the service: rows of `faithfulness --stream` are taken as they are, and drift alarms."""

import json

import pytest
from served import Service, until
from typer.testing import CliRunner

from secondlaw.cli.main import app

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

QUICK = "every = 0\nevaluate_every = 0.3\nmonitor = { baseline_steps = 20, alpha = 0.001, idle = 0.5 }\n"
TOLD = ["The bridge opened in 1932.", "It is made of steel.", "Bread is baked from flour.", "The soup needs salt."]


def answers(steps, moves_at):
    for step in range(steps):
        for k in range(4):
            told = [TOLD[(step + k) % 4], TOLD[(step + 2 * k + 1) % 4]]
            if step >= moves_at:
                told = ["Purple clouds sing loudly.", "The king lost his hat."]
            asked = f"Question {step}.{k}? " + " ".join(TOLD)
            yield {"id": f"{step}-{k}", "question": asked, "context": " ".join(TOLD),
                   "answer": " ".join(told), "step": step, "stream": "rag", "model": "m"}  # fmt: skip


@pytest.mark.parametrize("followed", ["topics", "semantic_faithfulness"])
def test_drift_raises_an_alarm_in_the_service(tmp_path, write_rows, followed):
    def faithfulness(rows, name, *options):
        words = ["faithfulness", write_rows(list(rows), name), *options, "--no-spread", "--draws", 20, "-q"]
        assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0

    topics, out = tmp_path / "topics.json", tmp_path / "rag.jsonl"
    faithfulness(answers(10, 99), "first.jsonl", "--topics-out", topics)
    faithfulness(answers(45, 30), "later.jsonl", "--topics", topics, "--stream", out, "--of", followed)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    settings = json.loads((tmp_path / "rag.stream.json").read_text())
    service = Service(tmp_path, QUICK).start()
    try:
        service.http.put("/v1/streams/rag", json=settings | {"every": None}).raise_for_status()
        sent = service.send(rows)
        assert sent["rejected"] == 0
        assert until(lambda: service.total("rag") == len(rows))
        alarms = until(lambda: service.get("/v1/alarms", stream="rag")["alarms"])
        assert alarms[0]["stream"] == "rag"
        watched = "new" if followed == "topics" else "b1"
        new = sum(one["label"] == watched for one in rows)
        counted = service.get("/v1/streams/rag/counts", **{"from": 0})["rows"]
        assert sum(one["counts"].get(watched, 0) for one in counted) == new > 30
    finally:
        service.close()
