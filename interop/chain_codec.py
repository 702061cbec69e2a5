"""The SDK's own codec decodes our extrinsics: a fixed one and a fresh one, with Finney's real metadata.

Finney's metadata lies outside the project (`FINNEY_METADATA_V15`); without it this proof is skipped.
"""

import json
import os
import sys
from hashlib import blake2b
from pathlib import Path

import bittensor
from async_substrate_interface.sync_substrate import SubstrateInterface
from async_substrate_interface.types import Runtime, _decode_v15_metadata
from bittensor_wallet import Keypair
from scalecodec.base import ScaleBytes

from sandbox import NETUID, cli, proven, sandbox, wallet

VECTOR = Path(__file__).parent.parent / "crates/chain/tests/data/extrinsic.json"
COMMIT = "fedcba9876543210fedcba9876543210fedcba98"


class Offline(SubstrateInterface):
    """The SDK's client without a node: metadata and block hashes come from here."""

    def __init__(self, metadata, spec_version, transaction_version, block_hashes):
        super().__init__("ws://offline", _mock=True)
        self.block_hashes = block_hashes
        decoded = _decode_v15_metadata(metadata, runtime_config=self.runtime_config)
        self.runtime = Runtime(
            chain="finney", runtime_config=self.runtime_config, metadata=decoded, metadata_v15=decoded, type_registry={},
            runtime_info={"specVersion": spec_version, "transactionVersion": transaction_version},
        )

    def init_runtime(self, *_, **__):
        return self.runtime

    def get_block_hash(self, block_id=None):
        return self.block_hashes[block_id]

    def decode(self, extrinsic):
        """An extrinsic as the SDK understands it, and its call as the SDK would encode it again."""
        decoded = self.runtime_config.create_scale_object(
            "Extrinsic", data=ScaleBytes(extrinsic), metadata=self.runtime.metadata
        )
        value = decoded.decode()
        call = value["call"]
        arguments = {argument["name"]: argument["value"] for argument in call["call_args"]}
        # The SDK reads a bounded list as the list itself, but wants it wrapped when it writes one.
        again = arguments | {"info": {"fields": [arguments["info"]["fields"]]}}
        return value, arguments, self.compose_call(call["call_module"], call["call_function"], again)


def check_the_recorded_one(metadata):
    vector = json.loads(VECTOR.read_text())
    hashes = {0: "0x" + vector["genesis"], vector["era_block"]: "0x" + vector["era_block_hash"]}
    finney = Offline(metadata, vector["spec_version"], vector["transaction_version"], hashes)
    value, arguments, call = finney.decode(bytes.fromhex(vector["extrinsic_hex"]))
    assert value["address"] == vector["signer"].split()[1] and value["nonce"] == vector["nonce"]
    assert arguments["netuid"] == vector["netuid"]
    assert bytes(call.data.data).hex() == vector["call_hex"]
    era = {"period": vector["era_period"], "current": vector["era_block"]}
    payload = bytes(finney.generate_signature_payload(call, era=era, nonce=vector["nonce"]).data)
    assert payload.hex() == vector["payload_hash"]
    signature = next(iter(value["signature"].values()))
    assert Keypair(ss58_address=value["address"]).verify(payload, signature)
    proven("the SDK's codec reads our recorded extrinsic as the same call and signer payload")


def check_a_fresh_one(metadata, binary):
    with sandbox(binary) as info, bittensor.Subtensor(info["subtensor"]) as subtensor:
        [committed] = cli(binary, info, "commit-hash", "--hash", COMMIT, "--wait", "inclusion")
        block_hash = subtensor.substrate.get_block_hash(committed["block"])
        block = subtensor.substrate.rpc_request("chain_getBlock", [block_hash])["result"]["block"]
        [extrinsic] = [
            extrinsic for extrinsic in map(bytes.fromhex, (text[2:] for text in block["extrinsics"]))
            if "0x" + blake2b(extrinsic, digest_size=32).hexdigest() == committed["extrinsic_hash"]
        ]
        value, arguments, call = Offline(metadata, 393, 1, {}).decode(extrinsic)
        [field] = arguments["info"]["fields"]
        assert value["address"] == wallet(info).hotkey.ss58_address and arguments["netuid"] == NETUID
        assert field["TimelockEncrypted"]["reveal_round"] == committed["reveal_round"]
        assert extrinsic.endswith(bytes(call.data.data))
        proven("the SDK's codec reads a fresh extrinsic of ours with Finney's metadata")


def main(binary):
    path = os.environ.get("FINNEY_METADATA_V15")
    if not path:
        proven("SKIPPED: Finney's metadata is not here, so no extrinsic was decoded with it")
        return
    metadata = Path(path).read_bytes()
    check_the_recorded_one(metadata)
    check_a_fresh_one(metadata, binary)


if __name__ == "__main__":
    main(sys.argv[1])
