"""A real PostgreSQL server for tests, from Debian's package, in a temporary folder on a Unix socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

USER = "postgres"
BINARIES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/pgsql/bin"))

MEMORY, ENOUGH = Path("/dev/shm"), 2 << 30
"""Thousands of small files are made and deleted faster in memory."""


def binaries():
    """Return the folder of the server's programs, None where there are none."""
    found = [folder for folder in BINARIES if (folder / "initdb").exists() and (folder / "postgres").exists()]
    if found:
        return found[0]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class PostgresServer:
    """A server that can be stopped and started again.

    Parameters
    ----------
    fsync : bool
        Whether commits reach the disk. Tests kill processes, not machines, and do without.
    """

    def __init__(self, *, fsync=False):
        self.bin = binaries()
        in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH
        self.home = Path(tempfile.mkdtemp(prefix="secondlaw-pg-", dir=MEMORY if in_memory and not fsync else None))
        self.home.chmod(0o755)
        self._as = []
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(self.home, USER, USER)
            found = pwd.getpwnam(USER)
            self._as = ["setpriv", f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]
        self._run("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        settings = [
            "listen_addresses=''",
            f"unix_socket_directories='{self.home}'",
            "max_connections=60",
            "autovacuum=off",
        ]
        if not fsync:
            settings += ["fsync=off", "full_page_writes=off"]
        with (self.home / "data" / "postgresql.conf").open("a") as out:
            out.write("\n".join(settings) + "\n")
        self._databases = 0
        self.start()

    def start(self):
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-s", "start")

    def stop(self, mode="immediate"):
        """Stop the server: `immediate` as a crash does, `fast` in order."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "-s", "stop")

    def new_database(self, *, template="template1"):
        """Make a database; return its name."""
        self._databases += 1
        name = f"store_{self._databases}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def new_url(self, *, template="template1"):
        """Make a database; return its URL."""
        return self.url(self.new_database(template=template))

    def url(self, name):
        return f"postgresql://{USER}@/{name}?host={self.home}"

    def sql(self, statement, database="postgres"):
        import psycopg

        with psycopg.connect(f"host={self.home} user={USER} dbname={database}", autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def kill_backend(self, name):
        """Kill, as an operator would, the server's processes that serve a database."""
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def close(self):
        if (self.home / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, program, *arguments, check=True):
        done = subprocess.run(
            [*self._as, str(self.bin / program), *arguments], cwd=self.home, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )  # fmt: skip
        if check and done.returncode:
            log = self.home / "log"
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}{log.read_text() if log.exists() else ''}")


def required_server():
    """Return a running server; without Debian's package the test is skipped, or fails where servers are required."""
    if binaries() is None:
        from absent_programs import absent

        absent("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    return PostgresServer()
