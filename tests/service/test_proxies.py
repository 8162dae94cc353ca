"""The examples of a proxy, run as they stand before two replicas: nginx and Caddy, with TLS and a path of its own.

Only names, ports and the certificate of the examples are changed.
"""

import gzip
import json
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from absent_programs import absent
from served import LONGEST, Service, free_port, until
from server_tools import required

from secondlaw.storage import open_store

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

EXAMPLES = Path(__file__).parents[2] / "examples" / "proxy"
NDJSON = {"Content-Type": "application/x-ndjson"}
BASE = "/drift"
MEBIBYTE = 1 << 20


def certificate(folder):
    """Make a certificate for localhost."""
    required("openssl", "the Debian package openssl")
    key, cert = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def nginx(folder, port, replicas, key, cert):
    """Return the command of nginx with the example."""
    text = (EXAMPLES / "nginx.conf").read_text()
    for name, replica in zip(("one", "two"), replicas, strict=True):
        text = text.replace(f"server {name}:8321;", f"server 127.0.0.1:{replica.port};")
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;").replace("drift.example.org", "localhost")
    text = text.replace("/etc/nginx/tls/tls.crt", str(cert)).replace("/etc/nginx/tls/tls.key", str(key))
    paths = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in
                    ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    text = text.replace("http {\n", f"http {{\n    access_log off;\n{paths}", 1)
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr",
            "-g", f"daemon off; pid {folder}/nginx.pid;"]  # fmt: skip


def caddy(folder, port, replicas, key, cert):
    """Return the command of Caddy with the example."""
    text = (EXAMPLES / "Caddyfile").read_text()
    for name, replica in zip(("one", "two"), replicas, strict=True):
        text = text.replace(f"{name}:8321", f"127.0.0.1:{replica.port}")
    text = text.replace("drift.example.org {", f"https://localhost:{port} {{\n\ttls {cert} {key}")
    own = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tgrace_period 2s\n\tstorage file_system {folder}\n}}\n"
    (folder / "Caddyfile").write_text(own + text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


class Site:
    """Two replicas and a proxy."""

    def __init__(self, folder, command_of):
        service = f'every = 0\nworkers = 0\nevaluate = false\nbase_path = "{BASE}"\nforwarded_allow_ips = "127.0.0.1"\n'
        self.replicas = [Service(folder, service, name=name) for name in ("one", "two")]
        with open_store(self.replicas[0].store) as store:
            self.secret = store.tokens.create("boss", scopes=["admin"])[1]
        for one in self.replicas:
            one.start(wait=False)
        for one in self.replicas:
            one.wait()
        self.port = free_port()
        key, cert = certificate(folder)
        self.trusted = ssl.create_default_context(cafile=str(cert))
        with (folder / "proxy.log").open("w") as log:
            self.process = subprocess.Popen(
                command_of(folder, self.port, self.replicas, key, cert), stdout=log, stderr=log,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            )  # fmt: skip
        self.log = folder / "proxy.log"
        self.http = self.client(headers={"Authorization": f"Bearer {self.secret}"})
        until(self.answers)

    def client(self, **more):
        return httpx.Client(base_url=f"https://localhost:{self.port}", verify=self.trusted, timeout=LONGEST, **more)

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.http.get(f"{BASE}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def total(self, stream):
        return sum(
            sum(row["counts"].values())
            for row in self.http.get(f"{BASE}/v1/streams/{stream}/counts", params={"from": 0}).json()["rows"]
        )

    def close(self):
        self.http.close()
        self.process.terminate()
        try:
            self.process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for one in self.replicas:
            one.close()


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def site(request, tmp_path_factory):
    if shutil.which(request.param, path="/usr/sbin:/usr/bin:/usr/local/bin") is None:
        absent(f"{request.param} is not installed (Debian's package {request.param})")
    one = Site(tmp_path_factory.mktemp(request.param), {"nginx": nginx, "caddy": caddy}[request.param])
    yield one
    one.close()


def row(number, stream, **more):
    return {
        "id": f"{stream}-{number}",
        "stream": stream,
        "step": 1,
        "prompt_id": f"p{number % 50}",
        "label": "g1",
    } | more


def test_pages_are_signed_in_to_under_the_path(site):
    with site.client(follow_redirects=False) as browser:
        sent = browser.get(f"{BASE}/")
        assert (sent.status_code, sent.headers["location"]) == (303, f"{BASE}/signin?next=%2F")
        origin = {"Origin": f"https://localhost:{site.port}", "Sec-Fetch-Site": "same-origin"}
        answer = browser.post(f"{BASE}/signin", data={"token": site.secret, "next": "/alarms"}, headers=origin)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}/alarms")
        assert "Secure" in answer.headers["set-cookie"]  # the proxy says that it is TLS
        assert f"Path={BASE}" in answer.headers["set-cookie"]
        page = browser.get(f"{BASE}/alarms")
        assert page.status_code == 200
        sheet = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        assert sheet.startswith(f"{BASE}/assets/")
        assert browser.get(sheet).headers["content-type"].startswith("text/css")
        evil = browser.post(f"{BASE}/signout", headers={"Origin": "https://evil.example"})
        assert evil.status_code == 403
    assert site.http.get(f"{BASE}/metrics").status_code == 404  # for Prometheus inside alone
    assert site.http.get(BASE).status_code in (301, 302, 303, 307, 308)
    assert site.http.head(f"{BASE}/").status_code == 200


def test_a_body_of_any_size_reaches_the_service_whose_limits_hold(site):
    text = "x" * 4000
    lines = 6_000
    body = b"".join(json.dumps(row(k, "large", response=text)).encode() + b"\n" for k in range(lines))
    assert len(body) > 22 * MEBIBYTE
    answer = site.http.post(f"{BASE}/v1/events", content=body, headers=NDJSON)
    assert (answer.status_code, answer.json()["accepted"]) == (200, lines), answer.text
    assert site.total("large") == lines
    array = b"[" + body.rstrip(b"\n").replace(b"\n", b",") + b"]"
    refused = site.http.post(f"{BASE}/v1/events", content=array, headers={"Content-Type": "application/json"})
    assert refused.status_code == 413
    assert "detail" in refused.json()  # the service's own words


def test_lines_are_stored_while_they_come(site):
    arrived, ends = [], time.monotonic() + LONGEST

    def lines():
        yield b"".join(json.dumps(row(k, "slow")).encode() + b"\n" for k in range(500))
        while time.monotonic() < ends and not arrived:
            arrived.extend(one for one in watch.get(f"{BASE}/v1/streams").json()["streams"] if one["name"] == "slow")
            time.sleep(0.1)
        yield json.dumps(row(500, "slow")).encode() + b"\n"

    with site.client(headers=site.http.headers) as watch:
        answer = site.http.post(f"{BASE}/v1/events", content=lines(), headers=NDJSON)
    assert answer.json()["accepted"] == 501
    assert arrived  # the first were counted before the last were sent


def test_traces_come_by_the_path_of_an_exporter(site):
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "chat m", "kind": 3,
        "startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225601000000000",
        "attributes": [
            {"key": key, "value": {"stringValue": value}} for key, value in {
                "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "secondlaw.stream": "traced",
                "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [
                    {"type": "text", "content": "Hello."}]}]),
            }.items()
        ],
    }  # fmt: skip
    span["attributes"].append({"key": "secondlaw.step", "value": {"intValue": "1"}})
    body = gzip.compress(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = site.http.post(f"{BASE}/v1/traces", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})
    assert "traced" in [one["name"] for one in site.http.get(f"{BASE}/v1/streams").json()["streams"]]


def test_live_pages_hear_at_once(site):
    # Buffered, they would come with the end of the connection, after minutes: the client does not wait so long.
    with site.http.stream("GET", f"{BASE}/live") as live:
        assert live.headers["content-type"].startswith("text/event-stream")
        events = live.iter_lines()
        assert next(line for line in events if line.startswith("event:")) == "event: hello"
        site.http.post(f"{BASE}/v1/events", json=row(0, "heard"))
        assert next(line for line in events if line.startswith("event:")) == "event: changed"


def test_one_replica_may_end_and_come_back(site):
    one = site.replicas[0]
    assert one.stop() == 0

    def taken(number):  # a client sends again what was not taken
        return site.http.post(f"{BASE}/v1/events", json=row(number, "failover")).status_code == 200

    for number in range(20):
        until(lambda number=number: taken(number), every=0.2)
    assert all(taken(number) for number in range(20))
    one.start()
    assert site.total("failover") == 20
