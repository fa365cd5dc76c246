"""A PostgreSQL server of our own, which trusts everyone on this machine, and which can be stopped and started."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from processes import free_port

OWNER = "postgres"  # whom the server runs as where the tests are root's, which it refuses to be


def programs():
    """The folder of the newest server's programs."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return installed[-1].parent if installed else None


class Server:
    """Its files are in a folder of its own; :meth:`close` deletes them."""

    def __init__(self):
        pytest.importorskip("psycopg", reason="psycopg is not installed")
        if programs() is None:
            pytest.skip("PostgreSQL's initdb is not installed")
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="seesaw-pg-")), free_port()
        if os.getuid() == 0:
            shutil.chown(self.folder, OWNER)
        self._control("initdb", "-s", "-o", f"-A trust -U {OWNER} -E UTF8 --no-locale --no-sync")
        self.url = f"postgresql://{OWNER}@127.0.0.1:{self.port}/{OWNER}"

    def _control(self, *arguments):
        as_owner = ["runuser", "-u", OWNER, "--"] if os.getuid() == 0 else []
        places = ["-D", self.folder / "data", "-w", "-l", self.folder / "log"]
        command = [*as_owner, programs() / "pg_ctl", *places, *arguments]
        subprocess.run([*map(str, command)], check=True, timeout=60, stdout=subprocess.DEVNULL, cwd=self.folder)

    def start(self):
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self._control("start", "-s", "-o", options)

    def stop(self):
        """As in a restart: connections are cut."""
        self._control("stop", "-m", "fast")

    def close(self):
        try:
            if (self.folder / "data/postmaster.pid").exists():
                self._control("stop", "-m", "immediate")
        finally:
            shutil.rmtree(self.folder)
