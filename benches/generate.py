#!/usr/bin/env python3
"""404-cli generate next to a plain Python script with httpx doing the same steps against the same sample generator.

128 prompts in 4 batches, whole processes in turn. The generator only waits: with a pace of 200 ms and four prompts at a
time it takes 1.6 s a batch, whoever asks. httpx goes into a cache folder below the project.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
PICTURE = ROOT / "crates/cli/tests/data/red-square.png"
VENV = ROOT / ".cache/venv-httpx"
RUNS = 5

PLAIN = r"""
import io, json, os, re, sys, time, zipfile
import httpx

prompts_file, endpoint, folder, poll = sys.argv[1:4] + [float(sys.argv[4])]
request = json.load(open(prompts_file))
prompts, seed = request["prompts"], request["seed"]
os.makedirs(folder, exist_ok=True)
with httpx.Client(base_url=endpoint, timeout=180) as client:
    client.get("health").raise_for_status()
    for start in range(0, len(prompts), 32):
        batch = prompts[start:start + 32]
        client.post("generate", json={"prompts": batch, "seed": seed}).raise_for_status()
        while client.get("status", params={"replacements_remaining": 0}).json()["status"] != "complete":
            time.sleep(poll)
        archive = os.path.join(folder, "results.zip.part")
        with client.stream("GET", "results") as response, open(archive, "wb") as file:
            response.raise_for_status()
            for piece in response.iter_bytes():
                file.write(piece)
        wanted = {prompt["stem"] + ".js" for prompt in batch}
        with zipfile.ZipFile(archive) as results:
            for entry in results.infolist():
                if entry.filename in wanted and entry.file_size <= 1 << 20:
                    part = os.path.join(folder, "module.part")
                    open(part, "wb").write(results.read(entry))
                    os.rename(part, os.path.join(folder, entry.filename))
                    wanted.remove(entry.filename)
        os.remove(archive)
        assert not wanted, wanted
"""


def httpx_python() -> str:
    python = VENV / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "httpx"], check=True)
    return str(python)


class Generator:
    """The sample generator in a process of its own, with 128 prompts for a picture so small that only the pace counts."""

    def __init__(self, folder: Path, pace: int) -> None:
        build = ["cargo", "build", "--release", "--locked", "--quiet", "--package", "gen404-sandbox", "--example", "sample_generator"]
        subprocess.run(build, check=True, cwd=ROOT)
        self.command = [ROOT / "target/release/examples/sample_generator", folder, str(pace)]

    def __enter__(self) -> tuple[str, str]:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE)
        line = json.loads(self.process.stdout.readline())
        path = Path(line["prompts"]).with_name("round.json")
        shutil.copy(PICTURE, path.parent)
        prompts = [{"stem": f"prompt{number}", "image_url": line["cdn"] + PICTURE.name} for number in range(128)]
        path.write_text(json.dumps({"prompts": prompts, "seed": 7}))
        return line["generator"], str(path)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def measure(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak megabytes of a process that fills an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or len(list(folder.glob("*.js"))) != 128:
        raise SystemExit(f"exit {process.returncode}: {command}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    python = httpx_python()
    print("| 128 prompts, 4 batches, end to end | 404-cli | Python with httpx | ratio |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        for pace in (0, 200):
            with Generator(Path(folder, "cdn"), pace) as (endpoint, prompts):
                ours = [BINARY, "-q", "generate", "--prompts-json", prompts, "--endpoint", endpoint, "--output-folder", str(results)]
                for poll in ("1", "0.1"):
                    theirs = [python, "-c", PLAIN, prompts, endpoint, str(results), poll]
                    samples = [(measure(ours, results), measure(theirs, results)) for _ in range(RUNS)]
                    row(f"at least {pace} ms a prompt, Python polls every {poll} s", samples)


def row(what: str, samples: list) -> None:
    def middle(side: int, field: int) -> float:
        return statistics.median(sample[side][field] for sample in samples)

    cells = [f"{middle(side, 0):.2f} s, {middle(side, 1):.2f} s of a processor, {middle(side, 2):.0f} MB" for side in (0, 1)]
    ratio = f"{middle(1, 0) / middle(0, 0):.1f} × faster, {middle(1, 1) / middle(0, 1):.1f} × less work, {middle(1, 2) / middle(0, 2):.1f} × less memory"
    print(f"| {what} | {cells[0]} | {cells[1]} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
