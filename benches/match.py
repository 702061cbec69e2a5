#!/usr/bin/env python3
"""404-cli match next to `render --views official` of both sides and `judge --profile official`: pictures drawn, calls and time of
whole processes, in one run and from nothing; then the same leader against another challenger. And a pool of four against one, for
render servers (each a process with one browser) and for judges (each a process that answers four questions at a time).

Modules are the sandbox's samples and the judge is its script. In three duels of five the defender shows another prompt's object, so
that the first stage decides; in the others both sides are samples of the same prompt. GEN404_DUELS sets another number than 128.
"""

import http.server
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from judge import PENALTIES, REPLIES

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
DUELS = int(os.environ.get("GEN404_DUELS", "128"))
BROWSERS = "2"
# Pictures of a module in the official set.
OFFICIAL = 13


def run(*line) -> tuple[dict, float]:
    start = time.perf_counter()
    done = subprocess.run([BINARY, "-q", *map(str, line)], stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    answer = json.loads(done.stdout)
    assert done.returncode == 0, answer
    return answer, seconds


def start(stack: ExitStack, *line) -> dict:
    process = subprocess.Popen([BINARY, "-q", *map(str, line)], stdout=subprocess.PIPE, text=True)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return json.loads(process.stdout.readline())


def samples(sandbox: dict, folder: Path) -> tuple[Path, int]:
    """Both sides of DUELS duels, a second challenger, and their prompts file."""
    drawn = {}
    prompts = json.loads(Path(sandbox["prompts_json"]).read_text())["prompts"]
    rounds = -(-DUELS // len(prompts))
    for seed in range(3 * rounds):
        target = folder / f"seed-{seed}"
        run("generate", "--prompts-json", sandbox["prompts_json"], "--endpoint", sandbox["generator"], "--seed", seed,
            "--output-folder", target)
        drawn[seed] = sorted(target.glob("*.js"))
    stems = [path.stem for path in drawn[0]]
    pictures = {prompt.get("stem") or Path(prompt["image_url"]).stem: prompt["image_url"] for prompt in prompts}
    listed = []
    for side in ("left", "right", "other"):
        (folder / side).mkdir()
    for number in range(DUELS):
        turn, place = divmod(number, len(stems))
        stem = f"{stems[place]}-{turn}"
        listed.append({"stem": stem, "image_url": pictures[stems[place]]})
        foreign = (place + 1) % len(stems) if number % 5 < 3 else place
        shutil.copy(drawn[3 * turn][foreign], folder / "left" / f"{stem}.js")
        shutil.copy(drawn[3 * turn + 1][place], folder / "right" / f"{stem}.js")
        shutil.copy(drawn[3 * turn + 2][place], folder / "other" / f"{stem}.js")
    path = folder / "prompts.json"
    path.write_text(json.dumps({"prompts": listed, "seed": 404}))
    return path, len(listed)


def timeless(value):
    """A record without the time that it took and where its pictures are."""
    if isinstance(value, dict):
        passing = ("elapsed_seconds", "image_dir_1", "image_dir_2")
        return {key: timeless(item) for key, item in value.items() if key not in passing}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def assert_same(folder: Path) -> int:
    """Every record of the pair is that of the match, and every picture of the match is that of `render`. Counts those compared."""
    names = [sorted(path.name for path in (folder / output).glob("*.json")) for output in ("pair", "matched")]
    assert names[0] == names[1] and names[0], names
    for name in names[0]:
        pair, matched = (timeless(json.loads((folder / output / name).read_text())) for output in ("pair", "matched"))
        assert pair == matched, name
    compared = 0
    for side in ("left", "right"):
        for picture in (folder / "matched" / side).rglob("*.png"):
            other = folder / f"{side}-pictures" / picture.relative_to(folder / "matched" / side)
            assert picture.read_bytes() == other.read_bytes(), picture
            compared += 1
    assert compared > 0
    return compared


def pair_and_match(sandbox: dict, folder: Path) -> None:
    prompts, duels = samples(sandbox, folder)
    judge = sandbox["judge"]
    seconds = 0.0
    for side in ("left", "right"):
        _, took = run("render", "--data-dir", folder / side, "--output-dir", folder / f"{side}-pictures", "--views", "official",
                      "--browsers", BROWSERS)
        seconds += took
    pair, took = run("judge", "--prompts-json", prompts, "--image-dir-1", folder / "left-pictures", "--image-dir-2",
                     folder / "right-pictures", "--profile", "official", "--endpoint", judge, "--concurrency", 6, "--output-dir",
                     folder / "pair")
    seconds += took

    def match(challenger: str, output: str) -> tuple[dict, float]:
        return run("match", "--prompts-json", prompts, "--left", folder / "left", "--right", folder / challenger, "--judge", judge,
                   "--browsers", BROWSERS, "--picture-cache", folder / "cache", "--output-dir", folder / output)

    first, matched = match("right", "matched")
    for key in ("left_wins", "right_wins", "draws", "margin", "calls"):
        assert first[key] == pair[key], (key, first[key], pair[key])
    compared = assert_same(folder)
    records = [json.loads((folder / "pair" / f"{path.stem}.json").read_text()) for path in (folder / "left").glob("*.js")]
    decided = sum(record["detail"]["decided_by"] == "S1" for record in records)
    second, again = match("other", "other-matched")
    whole = OFFICIAL * 2 * duels
    print(f"{duels} duels, of which the first stage decides {decided}; {BROWSERS} browsers. All records and the "
          f"{compared} pictures of the match are equal to those of the pair.\n")
    print("| | `render` twice and `judge` | `match` | ratio | `match`, the same leader again |\n| --- | --- | --- | --- | --- |")
    for what, before, now, then, form in (
        ("pictures drawn", whole, first["pictures_drawn"], second["pictures_drawn"], "{:.0f}"),
        ("calls", pair["calls"], first["calls"], second["calls"], "{:.0f}"),
        ("time", seconds, matched, again, "{:.1f} s"),
    ):
        print(f"| {what} | {form.format(before)} | {form.format(now)} | {before / now:.2f} | {form.format(then)} |", flush=True)


class Model(http.server.BaseHTTPRequestHandler):
    """A judge that takes 50 ms for a question and four at a time."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    places = threading.Semaphore(4)

    def log_message(self, *_):
        pass

    def answer(self, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.answer({"data": [{"id": "glm-4.6v-flash"}]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        label = next((name for name in REPLIES if f"{name}-response".encode() in body), None)
        with self.places:
            time.sleep(0.05)
        content = json.dumps(REPLIES.get(label, PENALTIES))
        self.answer({"choices": [{"message": {"role": "assistant", "content": content}}]})


def serve(port) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    port.send(server.server_address[1])
    server.serve_forever()


def four_against_one(folder: Path) -> None:
    print(f"\n| on {os.cpu_count()} cores | one | four | ratio |\n| --- | --- | --- | --- |")
    some = folder / "some"
    some.mkdir()
    for module in sorted((folder / "right").glob("*.js"))[:16]:
        shutil.copy(module, some)

    def rendered(servers: list[str], name: str) -> float:
        where = [word for server in servers for word in ("--endpoint", server)]
        return run("render", "--data-dir", some, "--output-dir", folder / name, "--views", "official", *where)[1]

    with ExitStack() as stack:
        servers = [start(stack, "render-server", "--port", 0, "--browsers", 1)["url"] for _ in range(4)]
        # A browser each, so that none is measured while it starts.
        for number, server in enumerate(servers):
            rendered([server], f"warm-{number}")
        one, four = rendered(servers[:1], "one"), rendered(servers, "four")
    print(f"| `render`, {len(list(some.glob('*.js')))} modules | {one:.1f} s | {four:.1f} s | {one / four:.2f} |", flush=True)

    judges = []
    for _ in range(4):
        ours, theirs = multiprocessing.Pipe()
        judges.append(multiprocessing.Process(target=serve, args=(theirs,), daemon=True))
        judges[-1].start()
        judges[-1].port = ours.recv()

    def judged(count: int, name: str) -> float:
        where = [word for judge in judges[:count] for word in ("--endpoint", f"http://127.0.0.1:{judge.port}")]
        return run("judge", "--prompts-json", folder / "prompts.json", "--image-dir-1", folder / "left-pictures", "--image-dir-2",
                   folder / "right-pictures", "--profile", "official", "--concurrency", 4, "--output-dir", folder / name,
                   "--no-report", *where)[1]

    try:
        one, four = judged(1, "one-judge"), judged(4, "four-judges")
    finally:
        for judge in judges:
            judge.terminate()
    print(f"| `judge`, {DUELS} duels | {one:.1f} s | {four:.1f} s | {one / four:.2f} |")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gen404-bench-match-") as folder, ExitStack() as stack:
        folder = Path(folder)
        pair_and_match(start(stack, "sandbox"), folder)
        four_against_one(folder)


if __name__ == "__main__":
    sys.exit(main())
