"""The command hook, with real programs."""

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from loopback_receiver import START, drift_alert
from moved_loop import run_moved
from served import until

from secondlaw.service.receiver_settings import load_receivers
from secondlaw.service.receivers import DeliveryError, Notice, build_receiver

pytestmark = pytest.mark.unit

KEEP = "import json, os, sys; json.dump([json.load(sys.stdin), dict(os.environ)], open(sys.argv[1], 'w'))"


def hook(code, *arguments, **more):
    argv = [sys.executable, "-c", code, *map(str, arguments)]
    return load_receivers([{"type": "command", "name": "hook", "argv": argv, "timeout": 60, **more}])[0]


def send(settings, *alerts):
    notices = [Notice(alert, f"key-{k}") for k, alert in enumerate(alerts or [drift_alert()])]
    asyncio.run(build_receiver(settings).send(notices, now=START))


def failure(settings):
    with pytest.raises(DeliveryError) as raised:
        send(settings)
    return raised.value


def test_the_program_reads_the_message_and_sees_no_secret_of_the_service(tmp_path, monkeypatch):
    monkeypatch.setenv("SECONDLAW_API_KEY", "s3cret")
    alert = drift_alert("$(touch x); `id`")
    send(hook(KEEP, tmp_path / "kept.json", env={"ROOM": "42"}), alert)
    body, environment = json.loads((tmp_path / "kept.json").read_text())
    assert body["version"] == "4"
    assert body["alerts"][0]["labels"]["stream"] == "$(touch x); `id`"
    assert environment["ROOM"] == "42"
    assert environment["SECONDLAW_ALERT_STATE"] == "firing"
    assert environment["SECONDLAW_ALERT_FINGERPRINT"] == alert.fingerprint
    assert environment["SECONDLAW_ALERT_KEY"] == "key-0"
    assert "SECONDLAW_API_KEY" not in environment


@pytest.mark.parametrize(("code", "permanent"), [(1, False), (65, True), (127, False)])
def test_exit_codes(code, permanent):
    error = failure(hook(f"import sys; sys.stdin.read(); sys.exit({code})"))
    assert error.permanent == permanent
    assert f"ended with {code}" in str(error)


def test_what_it_says_is_quoted_without_secrets():
    says = "import sys, os; print('token', os.environ['TOKEN'], '\\x1b[31m', file=sys.stderr); sys.exit(1)"
    error = failure(hook(says, env={"TOKEN": "s3cret"}))
    assert "token ***" in str(error)
    assert "\x1b" not in str(error)


def test_one_that_does_not_read_or_says_a_lot_is_no_problem():
    many = [drift_alert(f"s{k}") for k in range(100)]
    send(hook("pass"), *many)
    send(hook("import sys; sys.stderr.write('x' * 10**6); print('y' * 10**6)"), *many)


def test_one_that_takes_too_long_is_killed_with_its_children(tmp_path):
    code = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open(sys.argv[1], 'w').write(f'{child.pid}.'); time.sleep(600)"
    )
    told, receiver = tmp_path / "pid", build_receiver(hook(code, tmp_path / "pid"))

    def has_a_child():
        until(lambda: told.exists() and told.read_text().endswith("."))

    with pytest.raises(DeliveryError, match="was killed") as raised:
        run_moved(receiver.send([Notice(drift_alert(), "key")], now=START), has_a_child, seconds=61.0)
    assert not raised.value.permanent
    until(lambda: not lives(int(told.read_text()[:-1])))  # the kernel, or the container's init, needs a moment


def lives(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_that_stays_behind_holds_up_nothing(tmp_path):
    code = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open(sys.argv[1], 'w').write(str(child.pid))"
    )
    send(hook(code, tmp_path / "pid"))
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_program_that_is_not_there():
    error = failure(load_receivers([{"type": "command", "name": "hook", "argv": ["/no/such/program"]}])[0])
    assert "'/no/such/program': cannot be started (FileNotFoundError)" in str(error)
    assert not error.permanent


def test_it_works_in_a_thread(tmp_path):
    thread = threading.Thread(target=send, args=(hook(KEEP, tmp_path / "kept.json"),))
    thread.start()
    thread.join()
    assert (tmp_path / "kept.json").exists()
