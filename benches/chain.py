#!/usr/bin/env python3
"""404-cli next to the official Python SDK, doing the same against the same development chain.

Whole processes, in turn, through one proxy that adds a latency to every message and notes when a transaction
passes. Needs nothing but Python with venv; the SDK goes into a cache folder below the project.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
SDK = ROOT / ".cache/venv-bittensor-10.4.0"
LATENCY = 0.1
RUNS = 3

# The SDK's get_all_revealed_commitments fails on payloads that happen to be valid UTF-8; this is the query below it.
SDK_LIST = """
import sys, bittensor
subtensor = bittensor.Subtensor(network=sys.argv[1])
print(len(list(subtensor.substrate.query_map("Commitments", "RevealedCommitments", [17], page_size=1000))))
"""
SDK_COMMIT = """
import sys, bittensor
subtensor = bittensor.Subtensor(network=sys.argv[1])
wallet = bittensor.Wallet(path=sys.argv[2], name="miner", hotkey=sys.argv[3])
subtensor.set_reveal_commitment(wallet, 17, '{"commit": "%s"}' % ("5" * 40), blocks_until_reveal=2, block_time=1)
"""

# Within a process that has started, so that only the encryption counts; prints the median in milliseconds.
SDK_ENCRYPT = """
import statistics, time, bittensor_drand
times = []
for _ in range(200):
    begin = time.perf_counter()
    bittensor_drand.get_encrypted_commitment('{"commit": "%s"}' % ("5" * 40), 2, 12.0)
    times.append(time.perf_counter() - begin)
print(statistics.median(times) * 1000)
"""


def sdk_python() -> str:
    python = SDK / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", SDK], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "bittensor==10.4.0"], check=True)
    return str(python)


class SlowProxy:
    """Passes bytes on in order, each piece LATENCY later, and notes when a transaction was submitted."""

    def __init__(self, target: str) -> None:
        host, port = target.removeprefix("ws://").split(":")
        self.target, self.submitted = (host, int(port)), None

    async def start(self) -> str:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        # Clients mask their frames, so their text cannot be read; the node's first answer to a watch can.
        await asyncio.gather(self.pipe(reader, far_writer, None), self.pipe(far_reader, writer, b"author_extrinsicUpdate"))

    async def pipe(self, reader, writer, mark) -> None:
        queue: asyncio.Queue = asyncio.Queue()

        async def later() -> None:
            while True:
                due, piece = await queue.get()
                await asyncio.sleep(max(0, due - time.monotonic()))
                if not piece:
                    writer.close()
                    return
                writer.write(piece)
                await writer.drain()

        task = asyncio.create_task(later())
        while True:
            piece = await reader.read(1 << 16)
            if mark and mark in piece and self.submitted is None:
                self.submitted = time.monotonic()
            queue.put_nowait((time.monotonic() + LATENCY, piece))
            if not piece:
                return await task


def measure(command: list[str], environment: dict | None = None) -> tuple[float, float]:
    """Wall seconds and peak megabytes of a process."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


class Sandbox:
    def __init__(self, *options: str) -> None:
        self.options = options

    def __enter__(self) -> dict:
        command = [BINARY, "-q", "sandbox", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def row(what: str, ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> None:
    mine, other = statistics.median(t for t, _ in ours), statistics.median(t for t, _ in theirs)
    memory, their_memory = max(m for _, m in ours), max(m for _, m in theirs)
    print(f"| {what} | {mine:.2f} s, {memory:.0f} MB | {other:.2f} s, {their_memory:.0f} MB | "
          f"{other / mine:.1f} × faster, {their_memory / memory:.1f} × less memory |")


def encryption(python: str) -> None:
    bench = ["cargo", "bench", "--quiet", "--locked", "--package", "gen404-timelock", "--bench", "encryption"]
    ours = json.loads(subprocess.run(bench, cwd=ROOT, check=True, capture_output=True).stdout)["median_ms"]
    theirs = float(subprocess.run([python, "-c", SDK_ENCRYPT], check=True, capture_output=True).stdout)
    print("| one encryption | 404-cli | bittensor_drand 1.3.0 | ratio |\n| --- | --- | --- | --- |")
    print(f"| median of 200 | {ours:.2f} ms | {theirs:.2f} ms | {theirs / ours:.1f} × faster |\n", flush=True)


async def main() -> None:
    python = sdk_python()
    encryption(python)
    loop = asyncio.get_running_loop()
    print("| what, with 100 ms added to every message | 404-cli | Python SDK 10.4.0 | ratio |\n| --- | --- | --- | --- |")
    for hotkeys in (1_000, 10_000):
        with Sandbox("--revealed-hotkeys", str(hotkeys)) as sandbox:
            url = await SlowProxy(sandbox["subtensor"]).start()
            ours, theirs = [], []
            for _ in range(RUNS):
                command = [BINARY, "-q", "list-all", "--subtensor.endpoint", url]
                ours.append(await loop.run_in_executor(None, measure, command))
                theirs.append(await loop.run_in_executor(None, measure, [python, "-c", SDK_LIST, url]))
            row(f"list-all, {hotkeys:,} hotkeys with 10 reveals", ours, theirs)
    with Sandbox("--hotkeys", str(2 * RUNS)) as sandbox:
        names = [name for name in sandbox["hotkeys"] if name != "unregistered"]
        ours, theirs = [], []
        for run in range(RUNS):
            for times, build in ((ours, our_commit), (theirs, sdk_commit(python))):
                proxy = SlowProxy(sandbox["subtensor"])
                url, begin = await proxy.start(), time.monotonic()
                _, memory = await loop.run_in_executor(None, measure, build(url, sandbox["wallet_path"], names.pop()))
                times.append((proxy.submitted - begin, memory))
        row("start of the process to the node's first word on the transaction", ours, theirs)


def our_commit(url: str, wallets: str, hotkey: str) -> list[str]:
    return [BINARY, "-q", "commit-hash", "--hash", "5" * 40, "--subtensor.endpoint", url, "--wallet.path", wallets,
            "--wallet.name", "miner", "--wallet.hotkey", hotkey, "--wait", "inclusion"]


def sdk_commit(python: str):
    return lambda url, wallets, hotkey: [python, "-c", SDK_COMMIT, url, wallets, hotkey]


if __name__ == "__main__":
    asyncio.run(main())
