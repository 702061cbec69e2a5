#!/usr/bin/env python3
"""The built-in renderer by the file: whole processes over the six modules whose pixels are compared with the official
service's, and over sample modules of the sandbox; beside the same pictures from a service that works as the official one
does (`recipe_service.py`), and from `render-server` one request at a time.

CPU seconds are those of the tool and of everything it started, browsers included; memory is the largest sum of
proportional set sizes of all its processes seen in samples. Needs Chromium and three as `render` itself does.
"""

import hashlib
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from recipe_service import RecipeService

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
SIX = ROOT / "crates/renderer/tests/data"
RUNS = int(os.environ.get("RUNS", "3"))
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
THREE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "404-cli/three@0.183.2"
# Samples hardly differ from each other, and the slow side needs many seconds for each.
SAMPLES_BESIDE = 6


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


# The official set, by the names that its files have.
VIEWS = {"front_left": (30, 0), "front_right": (330, 0), "front_above": (0, -30), "front_below": (0, 15),
         "right": (90, 0), "back": (180, 0), "left": (270, 0), "top_down": (0, -90)}
GRAY = list(VIEWS)[:4]
GRID = [(theta, -15) for theta in (24, 120, 216, 312)]


def one_at_a_time(server: Server, sources: dict[str, str]) -> None:
    """Every picture of the official set in a request of its own."""
    for source in sources.values():
        for colour, names in (("ffffff", VIEWS), ("808080", GRAY)):
            for theta, phi in (VIEWS[name] for name in names):
                server.post(f"/render?thetas={theta}&phis={phi}&lighting=follow&img_size=1024&cam_radius=2.0"
                            f"&cam_fov_deg=49.1&bg_color={colour}", source)
        server.post("/render/grid", source)


def by_recipe(service: RecipeService, sources: dict[str, str]) -> dict[str, str]:
    """The official set in three requests a file and from two callers, as the pipeline asks; SHA-256 of every PNG file."""
    def pictures(item: tuple[str, str]) -> dict[str, str]:
        stem, source = item
        follow = {"size": 1024, "lighting": "follow"}
        white = service.render(source, list(VIEWS.values()), background="ffffff", **follow)
        gray = service.render(source, [VIEWS[name] for name in GRAY], background="808080", **follow)
        grid = service.render(source, GRID, size=518, background="808080", lighting="studio", grid=True)
        names = [*(f"white/{name}" for name in VIEWS), *(f"gray/{name}" for name in GRAY), "grid"]
        return {f"{stem}/{name}": hashlib.sha256(png).hexdigest() for name, png in zip(names, white + gray + grid)}

    with ThreadPoolExecutor(2) as callers:
        return {name: digest for found in callers.map(pictures, sources.items()) for name, digest in found.items()}


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


def doubled(modules: Path, scratch: Path) -> Path:
    """The same modules, each there twice: what the second half adds is the price in a browser that is warm."""
    target = scratch / f"{modules.name}-doubled"
    target.mkdir(exist_ok=True)
    for module in modules.glob("*.js"):
        for copy in ("first", "second"):
            shutil.copy(module, target / f"{module.stem}-{copy}.js")
    return target


def table(title: str, modules: Path, scratch: Path) -> None:
    files = len(list(modules.glob("*.js")))
    twice = doubled(modules, scratch)
    print(f"\n**{title}** ({files} files)\n")
    print("| how | s a file from nothing | s a file once warm | CPU s a file | memory | files a minute once warm |")
    print("| --- | --- | --- | --- | --- | --- |")
    for views, choices in (("official", (1, 2)), ("all", (2,))):
        for browsers in choices:
            cold = [render(modules, views, browsers) for _ in range(RUNS)]
            both = [render(twice, views, browsers) for _ in range(RUNS)]
            seconds, whole = (statistics.median(run[0] for run in runs) / files for runs in (cold, both))
            cpu, memory = statistics.median(run[1] for run in cold) / files, max(run[2] for run in cold + both) / 2**20
            warm = whole - seconds
            print(f"| `--views {views}`, {browsers} browser{'s' * (browsers > 1)} | {seconds:.2f} | {warm:.2f} | {cpu:.2f} "
                  f"| {memory:.0f} MiB | {60 / warm:.0f} |", flush=True)


def beside_services(title: str, modules: Path, scratch: Path) -> None:
    twice = doubled(modules, scratch)
    sources = {path.stem: path.read_text() for path in sorted(modules.glob("*.js"))}
    official = json.loads((SIX / "hashes.json").read_text())
    times: dict[str, list[float]] = {"ours": [], "twice": [], "single": [], "recipe": []}

    def timed(name: str, work) -> object:
        start = time.perf_counter()
        outcome = work()
        times[name].append(time.perf_counter() - start)
        return outcome

    with Server() as server, RecipeService(THREE) as service:
        server.post("/render?img_size=64", next(iter(sources.values())))
        for _ in range(RUNS):
            timed("ours", lambda: render(modules, "official", 2))
            timed("twice", lambda: render(twice, "official", 2))
            timed("single", lambda: one_at_a_time(server, sources))
            digests = timed("recipe", lambda: by_recipe(service, sources))
    ours, both, single, recipe = (statistics.median(runs) / len(sources) for runs in times.values())
    warm = both - ours
    print(f"\n**{title}: the official set, s a file** ({len(sources)} files, in turn, medians of {RUNS})\n")
    print("| `render`, from nothing | `render`, once warm | `render-server`, a request a picture | as the official service works |")
    print("| --- | --- | --- | --- |")
    print(f"| {ours:.2f} | {warm:.2f} | {single:.2f} | {recipe:.2f}: {recipe / ours:.1f} × from nothing, {recipe / warm:.1f} × warm |",
          flush=True)
    known = [(name, digest) for name, digest in digests.items() if name.partition("/")[0] in official]
    if known:
        equal = sum(official[stem][view]["png_sha256"] == digest
                    for (stem, _, view), digest in ((name.partition("/"), digest) for name, digest in known))
        print(f"\n{equal} of {len(known)} PNG files of that last column are the official service's, byte for byte.")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        six = scratch / "six"
        six.mkdir()
        for module in SIX.glob("*.js"):
            shutil.copy(module, six)
        few = scratch / "few"
        few.mkdir()
        many = samples(scratch)
        for module in sorted(many.glob("*.js"))[:SAMPLES_BESIDE]:
            shutil.copy(module, few)
        table("The six modules of the pixel tests", six, scratch)
        table("Samples of the sandbox", many, scratch)
        beside_services("The six modules", six, scratch)
        beside_services("Samples", few, scratch)


if __name__ == "__main__":
    sys.exit(main())
