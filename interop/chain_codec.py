"""The SDK's own codec decodes our extrinsics: a fixed one and a fresh one, with Finney's real metadata
(`FINNEY_METADATA_V15`, which `run-chain.sh` unpacks and converts).
"""

import json
import os
import sys
from hashlib import blake2b
from pathlib import Path

from official_sdk import adapter
from sandbox import NETUID, cli, extrinsics, proven, sandbox, wallet

VECTOR = Path(__file__).parent.parent / "crates/chain/tests/data/extrinsic.json"
COMMIT = "fedcba9876543210fedcba9876543210fedcba98"


def decode(codec, extrinsic):
    """An extrinsic as the SDK understands it, the arguments of its call, and the call as the SDK would make it again."""
    value = codec.decode(extrinsic)
    call = value["call"]
    arguments = {argument["name"]: argument["value"] for argument in call["call_args"]}
    return value, arguments, codec.call(call["call_module"], call["call_function"], arguments)


def check_the_recorded_one(sdk, metadata):
    vector = json.loads(VECTOR.read_text())
    codec = sdk.Codec(metadata, vector["spec_version"], vector["transaction_version"])
    value, arguments, call = decode(codec, bytes.fromhex(vector["extrinsic_hex"]))
    assert value["address"] == vector["signer"].split()[1] and value["nonce"] == vector["nonce"]
    assert arguments["netuid"] == vector["netuid"]
    assert codec.call_bytes(call).hex() == vector["call_hex"]
    era = {"period": vector["era_period"], "current": vector["era_block"]}
    hashes = ["0x" + vector["genesis"], "0x" + vector["era_block_hash"]]
    payload = codec.signer_payload(call, era, vector["nonce"], *hashes)
    assert payload.hex() == vector["payload_hash"]
    signature = bytes.fromhex(next(iter(value["signature"].values())).removeprefix("0x"))
    assert sdk.Keypair(ss58_address=value["address"]).verify(payload, signature)
    proven("the SDK's codec reads our recorded extrinsic as the same call and signer payload")


def check_a_fresh_one(sdk, metadata, binary):
    with sandbox(binary) as info:
        [committed] = cli(binary, info, "commit-hash", "--hash", COMMIT, "--wait", "inclusion")
        [extrinsic] = [
            extrinsic for extrinsic in extrinsics(info, committed["block_hash"])
            if "0x" + blake2b(extrinsic, digest_size=32).hexdigest() == committed["extrinsic_hash"]
        ]
        codec = sdk.Codec(metadata, 393, 1)
        value, arguments, call = decode(codec, extrinsic)
        [field] = arguments["info"]["fields"]
        assert value["address"] == wallet(info).hotkey.ss58_address and arguments["netuid"] == NETUID
        assert field["TimelockEncrypted"]["reveal_round"] == committed["reveal_round"]
        assert extrinsic.endswith(codec.call_bytes(call))
        proven("the SDK's codec reads a fresh extrinsic of ours with Finney's metadata")


def main(binary):
    sdk, metadata = adapter(), Path(os.environ["FINNEY_METADATA_V15"]).read_bytes()
    check_the_recorded_one(sdk, metadata)
    check_a_fresh_one(sdk, metadata, binary)


if __name__ == "__main__":
    main(sys.argv[1])
