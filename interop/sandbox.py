"""Starts `404-cli sandbox`, and talks to it with `404-cli` and with the official SDK."""

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

NETUID = 17


@contextmanager
def sandbox(binary, *options):
    """A running sandbox: what it printed when it was ready."""
    process = subprocess.Popen([binary, "sandbox", *options], stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline()
        if not ready:
            sys.exit("the sandbox did not start")
        yield json.loads(ready)
    finally:
        process.terminate()
        process.wait(timeout=30)


def cli(binary, info, *arguments):
    """The JSON lines that a command of 404-cli prints, as hotkey `default` of the sandbox's wallet."""
    options = [
        "--wallet.name", info["wallet_name"], "--wallet.hotkey", "default", "--wallet.path", info["wallet_path"],
        "--subtensor.endpoint", info["subtensor"],
    ]
    result = subprocess.run([binary, *arguments, *options], stdout=subprocess.PIPE, text=True, timeout=180)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    if result.returncode:
        sys.exit(f"404-cli {arguments[0]} failed: {lines}")
    return lines


def wallet(info, hotkey="default"):
    """A wallet of the sandbox, opened by the official library."""
    import bittensor

    return bittensor.Wallet(name=info["wallet_name"], hotkey=hotkey, path=info["wallet_path"])


def extrinsics(info, block_hash):
    """The extrinsics of a block, byte for byte: asked of the node itself, for the SDKs show them decoded only."""
    request = {"jsonrpc": "2.0", "id": 1, "method": "chain_getBlock", "params": [block_hash]}
    address = info["subtensor"].replace("ws://", "http://")
    post = urllib.request.Request(address, json.dumps(request).encode(), {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(post, timeout=30) as reply:
        block = json.load(reply)["result"]["block"]
    return [bytes.fromhex(text.removeprefix("0x")) for text in block["extrinsics"]]


def proven(what):
    print(f"interop: {what}", file=sys.stderr)
