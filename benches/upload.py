#!/usr/bin/env python3
"""404-cli upload next to `aws s3 sync`, boto3 with its defaults, and boto3 in ten threads: 128 modules into the sandbox's storage,
with 50 ms added to everything that goes through a proxy in between, each into a prefix of its own, and then once again with nothing
to do. Whole processes. The other tools go into a cache folder below the project.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
VENV = ROOT / ".cache/venv-s3"
MODULES = 128
BYTES = 12_000
DELAY = 0.025  # each way
RUNS = 3

PLAIN = """
import pathlib, sys, boto3
s3 = boto3.client("s3")
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.js")):
    s3.upload_file(str(file), "cdn", f"{sys.argv[2]}/{file.name}", ExtraArgs={"ContentType": "text/javascript"})
"""
THREADS = """
import pathlib, sys, boto3
from concurrent.futures import ThreadPoolExecutor
s3 = boto3.client("s3")
def put(file):
    s3.upload_file(str(file), "cdn", f"{sys.argv[2]}/{file.name}", ExtraArgs={"ContentType": "text/javascript"})
with ThreadPoolExecutor(10) as pool:
    list(pool.map(put, sorted(pathlib.Path(sys.argv[1]).glob("*.js"))))
"""


def tools() -> Path:
    if not (VENV / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "--quiet", "boto3==1.44.8", "awscli==1.46.3"], check=True)
        (VENV / "complete").touch()
    return VENV / "bin"


class Slow:
    """A proxy that hands every piece on 25 ms after it came, in both directions, and so costs 50 ms a round trip."""

    def __init__(self, host, port):
        self.target = host, port
        self.ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True).start()
        self.ready.wait(10)

    async def serve(self):
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        self.ready.set()
        async with server:
            await server.serve_forever()

    async def connected(self, reader, writer):
        await asyncio.sleep(2 * DELAY)  # the handshake
        there_reader, there_writer = await asyncio.open_connection(*self.target)
        await asyncio.gather(self.pipe(reader, there_writer), self.pipe(there_reader, writer))

    async def pipe(self, reader, writer):
        pieces = asyncio.Queue()

        async def send():
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if not piece:
                    writer.close()
                    return
                writer.write(piece)

        sender = asyncio.create_task(send())
        try:
            while piece := await reader.read(1 << 16):
                pieces.put_nowait((time.monotonic() + DELAY, piece))
        except ConnectionError:
            pass
        pieces.put_nowait((time.monotonic() + DELAY, b""))
        await sender


def timed(line, environment):
    begin = time.monotonic()
    done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    if done.returncode:
        sys.exit(f"{line[0]}: {done.stderr}{done.stdout}")
    return time.monotonic() - begin


def main():
    programs = tools()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work, "out")
        folder.mkdir()
        for number in range(MODULES):
            text = f"export default function generate(THREE) {{ return new THREE.Group(); }} // {number}\n"
            (folder / f"{number:064x}.js").write_text(text + "//" + "x" * (BYTES - len(text)) + "\n")
        sandbox = subprocess.Popen([BINARY, "sandbox"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            access = json.loads(sandbox.stdout.readline())["storage"]
            host, port = access["endpoint_url"].removeprefix("http://").split(":")
            slow = Slow(host, int(port))
            environment = {
                "HOME": work, "PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": access["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": access["secret_access_key"], "AWS_ENDPOINT_URL": slow.url,
                "AWS_REGION": access["region"], "AWS_DEFAULT_REGION": access["region"], "AWS_EC2_METADATA_DISABLED": "true",
            }
            python = str(programs / "python")
            lines = {
                "`404-cli upload`": lambda prefix: [BINARY, "upload", "--quiet", "--data-dir", folder, "--to", f"s3://cdn/{prefix}"],
                "`aws s3 sync`": lambda prefix: [str(programs / "aws"), "s3", "sync", str(folder), f"s3://cdn/{prefix}"],
                "boto3, one after the other": lambda prefix: [python, "-c", PLAIN, str(folder), prefix],
                "boto3, ten threads": lambda prefix: [python, "-c", THREADS, str(folder), prefix],
            }
            first, again = {name: [] for name in lines}, {name: [] for name in lines}
            for run in range(RUNS):
                for index, (name, line) in enumerate(lines.items()):
                    prefix = f"run{run}-{index}"
                    first[name].append(timed(line(prefix), environment))
                    again[name].append(timed(line(prefix), environment))
        finally:
            sandbox.terminate()
            sandbox.wait(30)
    ours, ours_again = (statistics.median(times["`404-cli upload`"]) for times in (first, again))
    print(f"{MODULES} modules of {BYTES // 1000} kB, 50 ms a round trip, medians of {RUNS}:\n")
    print("| | all new | again, nothing changed |\n| --- | --- | --- |")
    for name in lines:
        new, same = statistics.median(first[name]), statistics.median(again[name])
        ratios = ("", "") if name.startswith("`404") else (f" ({new / ours:.1f} ×)", f" ({same / ours_again:.1f} ×)")
        print(f"| {name} | {new:.2f} s{ratios[0]} | {same:.2f} s{ratios[1]} |")


main()
