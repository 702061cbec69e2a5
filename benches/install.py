#!/usr/bin/env python3
"""Installing into fresh virtual environments: the wheel in dist/, and what the Python tool asks for. Seconds and megabytes.

Needs an index of Python packages; GEN404_WHEEL names another wheel.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The requirements of the Python tool.
PYTHON_TOOL = ["bittensor", "bittensor-drand", "click", "httpx", "openai", "pillow", "pydantic", "targon-sdk"]


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def installed(*what: str) -> tuple[float, float, Path]:
    """Seconds, megabytes, and the environment. pip's own packages and cache are no part of it."""
    folder = Path(tempfile.mkdtemp(prefix="404-cli-install-"))
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    before, start = megabytes(folder), time.monotonic()
    subprocess.run([folder / "bin/pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check", *what], check=True)
    return time.monotonic() - start, megabytes(folder) - before, folder


def main() -> None:
    wheel = os.environ.get("GEN404_WHEEL") or str(next((ROOT / "dist").glob("gen404_cli-*.whl"), ""))
    if not wheel:
        print("no wheel: run scripts/release first, or name one in GEN404_WHEEL")
        return
    ours, our_size, environment = installed(wheel)
    binary = environment / "bin/404-cli"
    start = time.monotonic()
    demo = subprocess.run([binary, "demo"], capture_output=True, text=True)
    demo_time = time.monotonic() - start
    theirs, their_size, _ = installed(*PYTHON_TOOL)
    print("| | the wheel | the Python tool's requirements | ratio |\n| --- | --- | --- | --- |")
    print(f"| seconds | {ours:.1f} | {theirs:.1f} | {theirs / ours:.0f} |")
    print(f"| megabytes | {our_size:.0f} | {their_size:.0f} | {their_size / our_size:.1f} |")
    print(f"\n`404-cli demo` from there ended with {demo.returncode} after {demo_time:.0f} s.")


if __name__ == "__main__":
    main()
