#!/usr/bin/env python3
"""404-cli validate next to a Node script that only parses and traverses with Babel, on the same modules in one run.

Cold is one process per file, as miners call the subnet's validator; warm is one process for all files, the process's
start and the first file not counted. Everything is on one core but the run part. The Node script decides nothing: it parses,
builds scopes and visits every identifier, which is the least that such a validator does. Babel goes into a cache folder below
the project.
"""

import http.client
import json
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
BABEL = ROOT / ".cache/babel"
MODULES = 128
COLD = 24
ROUNDS = 5
# What the subnet's validator takes for a file, worker and all, measured when its rules were written down.
OFFICIAL_SECONDS = 0.65

NODE = r"""
import { readFileSync } from 'node:fs';
import { parse } from '@babel/parser';
import babel from '@babel/traverse';
const traverse = babel.default ?? babel;
let [seen, first, begin] = [0, true, performance.now()];
for (const file of process.argv.slice(2)) {
  const tree = parse(readFileSync(file, 'utf8'), { sourceType: 'module' });
  traverse(tree, { Identifier(path) { if (path.scope.hasBinding(path.node.name)) seen++; } });
  if (first) { first = false; begin = performance.now(); }
}
console.log(JSON.stringify({ seen, milliseconds: performance.now() - begin }));
"""

HELPER = """
// Part {number}: a ring of {count} posts with a lathed foot.
function part{number}(THREE, height, radius) {{
  const group = new THREE.Group();
  const material = new THREE.MeshStandardMaterial({{ color: {colour}, roughness: {rough:.2f}, metalness: 0.{metal} }});
  const profile = [];
  for (let i = 0; i <= 12; i++) {{
    const t = i / 12;
    profile.push(new THREE.Vector2(radius * (0.4 + 0.6 * Math.sin(t * Math.PI)), t * height));
  }}
  const foot = new THREE.Mesh(new THREE.LatheGeometry(profile, 24), material);
  foot.position.set(0, -height / 2, 0);
  group.add(foot);
  for (let i = 0; i < {count}; i++) {{
    const angle = (i / {count}) * Math.PI * 2;
    const post = new THREE.Mesh(new THREE.CylinderGeometry(0.01, 0.012, height * 0.5, 8), material);
    post.position.set(Math.cos(angle) * radius, height * 0.25, Math.sin(angle) * radius);
    group.add(post);
  }}
  return group;
}}
"""


def module(dice: random.Random) -> str:
    parts = dice.randint(6, 14)
    helpers = "".join(
        HELPER.format(number=n, count=dice.randint(3, 12), colour=hex(dice.randrange(1 << 24)), rough=dice.random(), metal=n % 9)
        for n in range(parts)
    )
    calls = "".join(f"  root.add(part{n}(THREE, {dice.uniform(0.1, 0.4):.4f}, {dice.uniform(0.1, 0.3):.4f}));\n" for n in range(parts))
    return f"{helpers}\nexport default function generate(THREE) {{\n  const root = new THREE.Group();\n{calls}  return root;\n}}\n"


def babel() -> Path:
    script = BABEL / "parse.mjs"
    if not (BABEL / "node_modules").exists():
        BABEL.mkdir(parents=True, exist_ok=True)
        packages = ["@babel/parser@7.29.2", "@babel/traverse@7.29.0"]
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(BABEL), *packages], check=True)
    script.write_text(NODE)
    return script


def on_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def seconds(command: list[str], one_core: bool = True) -> tuple[float, str]:
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=on_one_core if one_core else None)
    assert done.returncode == 0, done.stderr + done.stdout
    return time.perf_counter() - begin, done.stdout


def served(files: list[str]) -> float:
    """Seconds per file over HTTP, one request after the other on one connection."""
    command = [BINARY, "validate", "--static-only", "--quiet", "--serve", "127.0.0.1:0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=on_one_core)
    try:
        connection = http.client.HTTPConnection(json.loads(server.stdout.readline())["url"].removeprefix("http://"))
        begin = time.perf_counter()
        for file in files:
            connection.request("POST", "/validate", Path(file).read_bytes())
            answer = connection.getresponse()
            assert answer.status == 200 and json.loads(answer.read())["passed"]
        return (time.perf_counter() - begin) / len(files)
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    node = ["node", str(babel())]
    ours = [BINARY, "validate", "--static-only", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        dice = random.Random(404)
        files = []
        for number in range(MODULES):
            path = Path(folder) / f"module-{number:03}.js"
            path.write_text(module(dice))
            files.append(str(path))
        size = sum(os.path.getsize(file) for file in files) / MODULES / 1024
        print(f"{MODULES} modules of {size:.1f} KiB on average, one core")

        cold = {"404-cli": [], "node": []}
        for file in files[:COLD]:  # in turn, so that both meet the same weather
            cold["404-cli"].append(seconds([*ours, file])[0])
            cold["node"].append(seconds([*node, file])[0])
        tool, other = (statistics.median(cold[name]) * 1000 for name in ("404-cli", "node"))
        print(f"cold, a process per file: 404-cli {tool:.2f} ms, node {other:.0f} ms: {other / tool:.0f} x")

        warm = {"404-cli": [], "node": []}
        for _ in range(ROUNDS):
            all_files, one_file = seconds([*ours, *files])[0], seconds([*ours, files[0]])[0]
            warm["404-cli"].append((all_files - one_file) / (MODULES - 1))
            said = json.loads(seconds([*node, *files])[1])
            warm["node"].append(said["milliseconds"] / 1000 / (MODULES - 1))
        tool, other = (statistics.median(warm[name]) * 1000 for name in ("404-cli", "node"))
        print(f"warm, per file: 404-cli {tool:.3f} ms, node {other:.2f} ms: {other / tool:.0f} x; {MODULES} files {tool * MODULES:.0f} ms")

        over_http = statistics.median(served(files) for _ in range(ROUNDS)) * 1000
        print(f"--serve, per request: {over_http:.2f} ms, Python's client included: {other / over_http:.0f} x of node's warm figure")

        running = [BINARY, "validate", "--quiet"]
        few = seconds([*running, files[0]], False)[0]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        all_files = seconds([*running, *files], False)[0]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / MODULES
        each = all_files / MODULES
        print(
            f"with the run part: {all_files:.1f} s for {MODULES} files, {each * 1000:.0f} ms per file "
            f"({OFFICIAL_SECONDS / each:.1f} x of {OFFICIAL_SECONDS} s), {processor * 1000:.0f} ms of processor time; one file alone {few:.2f} s"
        )


if __name__ == "__main__":
    main()
