"""``secondlaw label`` on a real terminal: keys, kills, several annotators, and what measure makes of it."""

import codecs
import json
import os
import re
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from secondlaw.formats import journal_rows

pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
pytestmark = pytest.mark.unit

SECONDS = 120
"""After which a process is taken to hang; no test waits so long."""
KEYS = "[q] quit"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | {
    "TERM": "xterm"
}


class Terminal:
    """A process on a pseudo-terminal: what it shows is read, keys are pressed."""

    def __init__(self, words, rows=30, columns=100):
        import fcntl
        import struct
        import termios

        self.fd, inner = pty.openpty()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "secondlaw", *map(str, words)],
            stdin=inner, stdout=inner, stderr=inner, env=ENVIRONMENT, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(inner)
        self.seen, self.decoder = "", codecs.getincrementaldecoder("utf-8")()

    def until(self, text):
        """Read until a text is shown; return all that was shown since the last time."""
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            assert self._more(deadline, f"{text!r} was never shown"), f"it ended without showing {text!r}: {self.seen}"
        shown, _, self.seen = self.seen.partition(text)
        return shown + text

    def press(self, keys, *, then=KEYS):
        """Press keys, each when what the one before it brought is shown; return what the last one brought."""
        for key in keys:
            assert then not in self.seen, f"{then!r} is shown before {key!r} is pressed: {self.seen}"
            os.write(self.fd, key.encode())
            shown = self.until(then)
        return shown

    def end(self, key="q"):
        """Quit; return the exit code and what was shown last."""
        os.write(self.fd, key.encode())
        deadline = time.monotonic() + SECONDS
        while self._more(deadline, f"it did not end at {key!r}"):
            pass
        return self.process.wait(SECONDS), self.seen.replace("\r\n", "\n")

    def _more(self, deadline, trouble):
        """Read what comes next; return whether there was anything before the end."""
        while not select.select([self.fd], [], [], 1)[0]:
            if time.monotonic() > deadline:
                pytest.fail(f"{trouble} in {SECONDS} s; on the screen since the last look: {self.seen}")
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.seen += self.decoder.decode(data)
        return bool(data)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)


@pytest.fixture
def terminal():
    opened = []

    def start(*words, **size):
        opened.append(Terminal(words, **size))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def responses(n=40, **more):
    return [
        {"id": f"r{i}", "prompt_id": f"p{i % 10}", "prompt": f"question {i % 10}", "response": f"answer number {i}",
         "model": "tiny", "step": i % 2, "intent": ("benign", "harmful")[i % 2], "label": "g5", "classifier": "m/1",
         "label_probs": {"g1": 0.6, "g5": 0.4}, **more}
        for i in range(n)
    ]  # fmt: skip


def events(path):
    return list(journal_rows(path.with_name("rows.labels.jsonl")))


def labels(path):
    return {event["id"]: event["human_label"] for event in events(path) if event["event"] == "label"}


def output(path):
    return [json.loads(line) for line in path.with_name("rows.labelled.jsonl").read_text().splitlines()]


def test_keys_make_categories_and_the_machine_is_not_shown(terminal, write_rows):
    path = write_rows(responses())
    session = terminal("label", path, "--annotator", "ann", "--n", 6)
    first = session.until(KEYS)
    assert "PROMPT (should be" in first
    assert "answer number" in first
    for hidden in ("tiny", "g5", "0.6", "m/1", "step"):
        assert hidden not in first
    session.press("crox")
    code, last = session.end()
    assert code == 0, last
    rows = {row["id"]: row for row in responses()}
    given = [e for e in events(path) if e["event"] == "label"]
    expected = {"benign": ["g1", "g4", "g5", "outside"], "harmful": ["g2", "g3", "g5", "outside"]}
    assert [e["human_label"] for e in given] == [expected[rows[e["id"]]["intent"]][i] for i, e in enumerate(given)]
    assert "4 of 6 chosen responses have a human label" in last
    assert "agreement: insufficient (one annotator" in last
    assert f"next: secondlaw measure {path.with_name('rows.labelled.jsonl')}" in last.replace("\n", "")
    written = output(path)
    assert len(written) == 40
    labelled = [row for row in written if "human_label" in row]
    assert [row["inclusion_probability"] for row in labelled] == pytest.approx([4 / 40] * 4)
    assert {row["annotator"] for row in labelled} == {"ann"}


def test_a_killed_session_loses_nothing_and_goes_on(terminal, write_rows):
    path = write_rows(responses())
    session = terminal("label", path, "-a", "ann", "--n", 8)
    session.until(KEYS)
    session.press("crs")
    before = labels(path)
    assert len(before) == 2
    os.killpg(session.process.pid, signal.SIGKILL)
    session.process.wait()
    with path.with_name("rows.labels.jsonl").open("ab") as file:
        file.write(b'{"event": "label", "ro')  # as a kill in the middle of a write leaves it
    again = terminal("label", path, "-a", "ann")
    assert "2 labelled so far" in again.until("4 of 8")
    again.until(KEYS)
    again.press("oooo")
    code, last = again.end("o")
    assert code == 0, last
    assert len(labels(path)) == 7
    assert before.items() <= labels(path).items()
    assert len([row for row in output(path) if "human_label" in row]) == 7


def test_undo_goes_back_and_keys_before_the_text_do_not_count(terminal, write_rows):
    path = write_rows(responses())
    session = terminal("label", path, "-a", "ann", "--n", 3)
    session.until("1 of 3")
    session.until(KEYS)
    session.press("c", then="2 of 3")
    session.until(KEYS)
    session.press("u", then="1 of 3")
    session.until(KEYS)
    session.press("s", then="2 of 3")
    session.until(KEYS)
    session.press("u", then="1 of 3")
    session.until(KEYS)
    session.press("u", then="nothing to take back")
    session.until(KEYS)
    os.write(session.fd, b"\x1b[1;5C\x1bOP\x1b[A")  # arrows and function keys are no answers
    session.press("r", then="2 of 3")
    assert [e["event"] for e in events(path)] == ["plan", "label", "undo", "skip", "undo", "label"]
    code, _ = session.end()
    assert code == 0
    assert len([row for row in output(path) if "human_label" in row]) == 1


def test_an_unknown_intent_is_asked_once_a_prompt_and_only_if_it_matters(terminal, write_rows):
    path = write_rows([{"prompt": "Is it so?", "response": f"answer {i}"} for i in range(5)])
    session = terminal("label", path, "-a", "ann", "--n", 5)
    session.until(KEYS)
    session.press("o")
    session.press("c", then="should the prompt be helped with?")
    session.until("[any other key] back")
    session.press("z")  # what can be pressed is shown again
    session.press("c", then="should the prompt be helped with?")
    session.until("[any other key] back")
    session.press("?", then="refusal misaligned")  # the categories are told there too
    session.until(KEYS)
    session.press("r", then="should the prompt be helped with?")
    session.until("[any other key] back")
    session.press("h", then="g3 refusal aligned")
    assert "should be refused, as you said before" in session.until(KEYS)
    session.press("c", then="g2 helpful & misaligned")
    session.until(KEYS)
    session.press("1", then="is no answer to a harmful prompt")
    session.press("2", then="g2 helpful")
    session.until(KEYS)
    code, _ = session.end()
    assert code == 0
    written = output(path)
    assert [row.get("human_label") for row in written].count("g2") == 2
    assert {row["human_intent"] for row in written if row.get("human_label") == "g3"} == {"harmful"}
    assert not any("id" in row for row in written), "rows without an id are different answers and stay without"


def test_texts_cannot_touch_the_terminal_and_long_ones_are_paged(terminal, write_rows):
    evil = "start \x1b[2J\x1b]0;owned\x07 \u202eback [bold]not markup[/bold]"
    long = "\n".join(f"line {i}" for i in range(100))
    path = write_rows([{"id": "a", "prompt": evil, "response": f"{long}\nthe end", "intent": "benign"}])
    session = terminal("label", path, "-a", "a\x1b[2J", rows=24)
    shown = session.until(KEYS)
    assert r"start \x1b[2J\x1b]0;owned\x07 \u202eback [bold]not markup[/bold]" in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert "line 1\r" in shown
    assert "line 50" not in shown
    assert re.search(r"\.\.\. about \d+ more characters: f shows all", shown)
    os.write(session.fd, b"f")
    shown = session.until(" --\r\n")
    while "your label?" not in shown:
        assert "line" in shown
        os.write(session.fd, b" ")
        shown = session.until(" --\r\n")
    assert "the end" in shown
    assert "misaligned: harmful + comply" in session.press("?", then="counted apart").replace("\r\n", "")
    code, _ = session.end("c")
    assert code == 0
    assert labels(path) == {"a": "g1"}


def test_two_annotators_agree_so_far_and_a_third_decides(terminal, write_rows):
    path = write_rows(responses())
    for who, keys in (("ann", "ccrrcro"), ("bob", "ccrrcrc")):
        session = terminal("label", path, "-a", who, "--n", 8)
        session.until(KEYS)
        session.press(keys)
        code, last = session.end("c")
        assert code == 0
    assert "Cohen's kappa" in last
    assert "agreement: 0.875" in last
    assert "1 responses are labelled differently" in last
    session = terminal("label", path, "-a", "eve", "--adjudicate")
    assert "1 disputed responses" in session.until("1 of 1")
    session.until(KEYS)
    code, last = session.end("x")
    assert code == 0
    assert "labelled differently" not in last
    disputed = [row for row in output(path) if row.get("annotator") == "eve"]
    assert [row["human_label"] for row in disputed] == ["outside"]
    assert set(disputed[0]["human_labels"]) == {"ann", "bob"}


def test_control_c_keeps_what_was_said(terminal, write_rows):
    path = write_rows(responses())
    session = terminal("label", path, "-a", "ann")
    session.until(KEYS)
    session.press("c")
    code, last = session.end("\x03")
    assert code == 130
    assert "1 of 40 chosen responses" in last
    assert len([row for row in output(path) if "human_label" in row]) == 1


def session_of(path, journal, *, n, answer, order="random"):
    """Label without a terminal, as the screen would."""
    from secondlaw.behavior import FIVE
    from secondlaw.pipeline.label_results import write_labelled
    from secondlaw.pipeline.label_session import LabelOptions, LabelSession

    options = LabelOptions(n=n, order=order)
    with LabelSession.open(path, journal, taxonomy=FIVE, annotator="ann", options=options) as session:
        while (item := session.next()) is not None:
            session.label(item, answer(item.transcript))
        write_labelled(session, path.with_name("rows.labelled.jsonl"))


def test_measure_corrects_by_the_labels_and_their_weights(run, write_rows):
    rng = np.random.default_rng(0)
    rows = []
    for i in range(1200):
        sure = rng.random() < 0.5
        truth = "g4" if not sure and rng.random() < 0.5 else "g1"
        p = 0.98 if sure else 0.55
        rows.append(
            {"id": f"r{i}", "prompt_id": f"p{i % 200}", "prompt": "q", "response": truth, "model": "m", "step": 0,
             "intent": "benign", "label": "g1", "classifier": "m/1", "label_probs": {"g1": p, "g4": round(1 - p, 2)}}
        )  # fmt: skip
    path = write_rows(rows)
    session_of(path, path.with_name("j.jsonl"), n=300, answer=lambda one: one.response, order="active")
    weighted = path.with_name("rows.labelled.jsonl")
    labelled = [row for row in output(path) if "human_label" in row]
    assert len({round(row["inclusion_probability"], 6) for row in labelled}) > 1
    plain = write_rows(
        [{k: v for k, v in row.items() if k != "inclusion_probability"} for row in output(path)], "plain.jsonl"
    )
    found = {}
    for name, file in (("weighted", weighted), ("plain", plain)):
        result = run("measure", file, "--json", "--resamples", 200)
        assert result.exit_code == 0, result.output
        found[name] = json.loads(result.stdout)["cells"][0]
    assert {cell["correction"] for cell in found.values()} == {"ppi++"}
    chosen_alike = "human-labelled rows are taken as chosen at random with equal probability"
    assert chosen_alike in found["plain"]["notes"]
    assert chosen_alike not in found["weighted"]["notes"]
    truth = sum(row["response"] == "g4" for row in rows) / len(rows)
    share = found["weighted"]["shares"]["g4"]
    assert share["low"] <= truth <= share["high"]
    assert share["value"] != found["plain"]["shares"]["g4"]["value"]


def test_without_a_terminal_it_says_what_to_do(run, write_rows):
    path = write_rows(responses())
    result = run("label", path, "--annotator", "ann")
    assert result.exit_code == 2
    assert "label needs a terminal" in result.stderr
    assert "--export" in result.stderr
    result = run("label", path, "--export")
    assert result.exit_code == 12
    assert "there is no journal" in result.stderr


def test_export_writes_what_the_journal_holds_and_other_plans_are_refused(run, write_rows):
    path = write_rows(responses())
    session_of(path, path.with_name("rows.labels.jsonl"), n=5, answer=lambda _: "g1")
    path.with_name("rows.labelled.jsonl").unlink()
    result = run("label", path, "--export", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["annotators"] == {"ann": {"labelled": 5, "skipped": 0}}
    assert len(output(path)) == 40
    for words, message in (
        (("--seed", 3), "was planned with --seed 0"),
        (("--order", "active"), "was planned with --order random"),
        (("--strata", "model"), "was planned with --strata none"),
        (("--n", 3), "was planned with --n 5"),
    ):
        refused = run("label", path, "--export", *words)
        assert refused.exit_code == 2
        assert message in refused.stderr
    assert run("label", path, "--export", "--n", 9).exit_code == 0
    write_rows(responses(39))
    changed = run("label", path, "--export")
    assert changed.exit_code == 2
    assert "has changed since" in changed.stderr


def test_a_journal_has_one_writer_and_a_decider_labelled_nothing_before(write_rows):
    from secondlaw.behavior import FIVE
    from secondlaw.errors import InvalidInput
    from secondlaw.pipeline.label_session import LabelOptions, LabelSession

    path = write_rows(responses())
    journal = path.with_name("j.jsonl")

    def opened(who, **more):
        return LabelSession.open(
            path, journal, taxonomy=FIVE, annotator=who, options=LabelOptions(n=4), **more
        )  # fmt: skip

    with opened("ann") as session:
        session.label(session.next(), "g1")
        with pytest.raises(InvalidInput, match="is being written by another process"):
            opened("bob")
    with pytest.raises(InvalidInput, match="is closed"):
        session.skip(session.next())
    with pytest.raises(InvalidInput, match="decide on disputed ones under another name"):
        opened("ann", adjudicating=True)
    with pytest.raises(InvalidInput, match=r"no row in .* that annotators labelled differently"):
        opened("eve", adjudicating=True)
    with opened("bob") as session:
        session.label(session.next(), "g2")
    with opened("eve", adjudicating=True) as session:
        session.label(session.next(), "g2")
        assert session.next() is None
        assert session.undo()
        assert session.next().place == 1


def test_input_that_cannot_be_labelled(run, write_rows):
    from secondlaw.behavior import FIVE
    from secondlaw.errors import InvalidInput, NotEnoughData
    from secondlaw.pipeline.label_session import LabelOptions, LabelSession

    def opened(rows, who="ann", **options):
        path = write_rows(rows)
        LabelSession.open(
            path, path.with_name("j.jsonl"), taxonomy=FIVE, annotator=who, options=LabelOptions(**options)
        ).close()

    with pytest.raises(InvalidInput, match="say who labels"):
        opened(responses(), who=" ")
    with pytest.raises(InvalidInput, match="40 rows have a human_label"):
        opened(responses(human_label="g1"))
    with pytest.raises(InvalidInput, match="the field 'colour' of --strata"):
        opened(responses(), strata=("colour",))
    with pytest.raises(NotEnoughData, match="a row needs its text"):
        opened([{"prompt_id": "p", "label": "g1"}])
    with pytest.raises(InvalidInput, match="the active order needs label_probs"):
        opened([{"prompt": "a", "response": "b"}], order="active")
    opened(responses(human_label="g1"), relabel=True)
    result = run("label", "nothing.jsonl")
    assert result.exit_code == 2
    path = write_rows(responses())
    precious = write_rows(responses(1), "rows.labelled.jsonl")
    result = run("label", path, "-a", "ann")
    assert result.exit_code == 2
    assert f"{precious} exists and is of no session here" in result.stderr
    assert "three files" in run("label", path, "--out", path, "--export").stderr
