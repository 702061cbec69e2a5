#!/usr/bin/env python3
"""The built-in renderer by the file: whole processes over the six modules whose pixels are compared with the official
service's, and over 32 sample modules of the sandbox; against the same pictures asked for one request at a time.

CPU seconds are those of the tool and of everything it started, browsers included; memory is the largest sum of resident
sizes of all its processes seen in samples. Needs Chromium and three as `render` itself does, and no browser library.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
SIX = ROOT / "crates/renderer/tests/data"
RUNS = int(os.environ.get("RUNS", "3"))
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# Seconds a file of the official service for 8 white views, 4 gray ones and the grid, measured elsewhere on two cores.
OFFICIAL = 12.7


class Meter:
    """CPU time and memory of one process and of everything below it."""

    def __init__(self, root: int) -> None:
        self.root, self.cpu, self.memory, self.running = root, {}, 0, True
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def stop(self) -> None:
        self.running = False
        self.thread.join()

    def sample(self) -> None:
        parents, times = {}, {}
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    fields = (process / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                pid = int(process.name)
                # Own time only: every process below the root is seen by itself.
                parents[pid], times[pid] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICK
        memory = 0
        for pid in parents:
            ancestor = pid
            while ancestor != self.root and ancestor in parents:
                ancestor = parents[ancestor]
            if ancestor != self.root:
                continue
            self.cpu[pid] = times[pid]
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                memory += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1]) * 1024
            except (OSError, TypeError):
                continue
        self.memory = max(self.memory, memory)

    def watch(self) -> None:
        while self.running:
            self.sample()
            time.sleep(0.05)

    @property
    def cpu_seconds(self) -> float:
        return sum(self.cpu.values())


def render(modules: Path, views: str, browsers: int) -> tuple[float, float, int]:
    """Seconds, CPU seconds and memory of one whole process over a folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [BINARY, "-q", "render", "--data-dir", modules, "--output-dir", folder]
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--views", views, "--browsers", str(browsers)], stdout=subprocess.PIPE)
        meter = Meter(process.pid)
        answer, _ = process.communicate()
        seconds = time.perf_counter() - start
        meter.stop()
        assert json.loads(answer)["success"], answer
    return seconds, meter.cpu_seconds, meter.memory


class Server:
    """A render server with one browser, as a caller of the official API knows it."""

    def __enter__(self):
        command = [BINARY, "-q", "render-server", "--port", "0", "--browsers", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def post(self, path: str, source: str) -> None:
        body = json.dumps({"source": source}).encode()
        request = urllib.request.Request(self.url + path, data=body, headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            answer.read()


WHITE = [(30, 0), (330, 0), (0, 15), (0, -30), (90, 0), (180, 0), (270, 0), (0, -90)]
GRAY = WHITE[:4]


def one_at_a_time(server: Server, source: str) -> None:
    """The official set, every view in a request of its own, then the grid."""
    for colour, views in (("ffffff", WHITE), ("808080", GRAY)):
        for theta, phi in views:
            server.post(f"/render?thetas={theta}&phis={phi}&lighting=follow&img_size=1024&cam_radius=2.0"
                        f"&cam_fov_deg=49.1&bg_color={colour}", source)
    server.post("/render/grid", source)


def samples(folder: Path) -> Path:
    """32 modules of the sandbox's sample generator."""
    target = folder / "samples"
    with subprocess.Popen([BINARY, "-q", "sandbox"], stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            directory = json.loads(sandbox.stdout.readline())
            prompts = directory["prompts_json"]
            command = [BINARY, "-q", "generate", "--prompts-json", prompts, "--endpoint", directory["generator"]]
            subprocess.run([*command, "--seed", "1", "--output-folder", target], stdout=subprocess.DEVNULL, check=True)
        finally:
            sandbox.terminate()
    return target


def table(title: str, modules: Path) -> None:
    files = len(list(modules.glob("*.js")))
    print(f"\n**{title}** ({files} files)\n")
    print("| how | s a file | CPU s a file | memory | files a minute |")
    print("| --- | --- | --- | --- | --- |")
    for views in ("official", "all"):
        for browsers in (1, 2):
            runs = [render(modules, views, browsers) for _ in range(RUNS)]
            seconds = statistics.median(run[0] for run in runs) / files
            cpu = statistics.median(run[1] for run in runs) / files
            memory = max(run[2] for run in runs) / 2**20
            print(f"| `--views {views}`, {browsers} browser{'s' * (browsers > 1)}, from nothing | {seconds:.2f} "
                  f"| {cpu:.2f} | {memory:.0f} MiB | {60 / seconds:.0f} |", flush=True)


def against_requests(modules: Path) -> None:
    sources = {path.stem: path.read_text() for path in sorted(modules.glob("*.js"))}
    print("\n**The official set, against the same pictures one request at a time** (one browser each, in turn)\n")
    print("| file | one request at a time | whole set at once | ratio |")
    print("| --- | --- | --- | --- |")
    with Server() as server, tempfile.TemporaryDirectory() as scratch:
        server.post("/render?img_size=64", next(iter(sources.values())))
        total = [0.0, 0.0]
        for stem, source in sources.items():
            folder = Path(scratch) / stem
            folder.mkdir()
            (folder / f"{stem}.js").write_text(source)
            pairs = []
            for _ in range(RUNS):
                start = time.perf_counter()
                one_at_a_time(server, source)
                middle = time.perf_counter()
                render(folder, "official", 1)
                pairs.append((middle - start, time.perf_counter() - middle))
            single, whole = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
            total = [total[0] + single, total[1] + whole]
            print(f"| {stem} | {single:.2f} s | {whole:.2f} s (with a cold start) | {single / whole:.1f} |", flush=True)
        print(f"| all | {total[0]:.2f} s | {total[1]:.2f} s | {total[0] / total[1]:.1f} |")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        six = scratch / "six"
        six.mkdir()
        for module in SIX.glob("*.js"):
            shutil.copy(module, six)
        table("The six modules of the pixel tests", six)
        table("Samples of the sandbox", samples(scratch))
        against_requests(six)
    print(f"\nThe official service took {OFFICIAL} s a file for the official set on another machine with two cores.")


if __name__ == "__main__":
    sys.exit(main())
