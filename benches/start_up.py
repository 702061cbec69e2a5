#!/usr/bin/env python3
"""Start-up and size of the binary: what every call of the tool pays."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))


def seconds(command: list[str], runs: int = 40) -> float:
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    ours, python = seconds([BINARY, "--version"]), seconds([sys.executable, "-c", "pass"])
    print("| what | figure |\n| --- | --- |")
    print(f"| `404-cli --version`, whole process | {ours * 1000:.1f} ms; {python / ours:.1f} × faster than an empty Python |")
    print(f"| size of the release binary | {Path(BINARY).stat().st_size / 1e6:.1f} MB |")


if __name__ == "__main__":
    main()
