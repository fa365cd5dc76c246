"""Times the networks in its own folder, which ``seesaw-nas profile SPACE --export-networks FOLDER`` wrote.

It needs onnxruntime and numpy alone, and writes times.json, for ``seesaw-nas profile SPACE --times times.json``.
"""

import json
import platform
import time
from pathlib import Path

import numpy as np
import onnxruntime

THREADS, BATCH, ROUNDS, CALLS = 1, 1, 8, 6
PROVIDER = "CPUExecutionProvider"


def main(folder: Path) -> None:
    """Call each network in turn, round by round, and write what the calls took."""
    manifest = json.loads((folder / "networks.json").read_text())
    images = np.random.default_rng(0).standard_normal((BATCH, *manifest["image"]), np.float32)
    options, networks = onnxruntime.SessionOptions(), manifest["networks"]
    options.intra_op_num_threads = THREADS
    for turn in range(ROUNDS):
        for entry in networks:
            session = onnxruntime.InferenceSession(str(folder / entry["file"]), options, providers=[PROVIDER])
            for call in range(-2, CALLS):  # two to warm up
                begun, used = time.perf_counter(), time.process_time()
                session.run(None, {"images": images})
                if call >= 0:
                    entry.setdefault("seconds", []).append(time.perf_counter() - begun)
                    if THREADS == 1 and PROVIDER == "CPUExecutionProvider":
                        entry.setdefault("cpu_seconds", []).append(time.process_time() - used)
        print(f"round {turn + 1} of {ROUNDS}")
    machine = {"processor": platform.processor() or platform.machine(), "system": platform.platform()}
    machine |= {"provider": PROVIDER, "onnxruntime": onnxruntime.__version__, "python": platform.python_version()}
    times = {"schema": "seesaw-nas network times", "schema_version": 1, "backend": "onnxruntime", "threads": THREADS}
    times |= {"batch": BATCH, "machine": machine, "networks": networks}
    (folder / "times.json").write_text(json.dumps(times, indent=1))


if __name__ == "__main__":
    main(Path(__file__).parent)
