"""bittensor 11: reads by name, raw calls for what has no method, and a codec of its own."""

import bittensor
from bittensor._transport.codec import RuntimeCodec
from bittensor.sp_core import Keypair

from official_sdk import scale_string

__all__ = ["Chain", "Codec", "Keypair"]

# The SDK shows the chain's default for a missing owner, 32 zero bytes, as the address it is.
NOBODY = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM"


class Chain:
    def __init__(self, url):
        self.subtensor = bittensor.Subtensor(url)

    def __enter__(self):
        self.subtensor.__enter__()
        return self

    def __exit__(self, *exception):
        self.subtensor.__exit__(*exception)

    def block(self):
        return self.subtensor.block

    def wait_for_block(self, block):
        return self.subtensor.wait_for_block(block, timeout=60)

    def owner(self, hotkey):
        owner = self.subtensor.read("hotkey_owner", hotkey_ss58=hotkey)
        return None if owner == NOBODY else owner

    def owned(self, coldkey):
        return self.subtensor.read("owned_hotkeys", coldkey_ss58=coldkey)

    def locked_rao(self, coldkey, netuid):
        # The read `coldkey_lock` wants storage that Finney's runtime 393 has not got either.
        lock = self.subtensor.runtime(("StakeInfoRuntimeApi", "get_coldkey_lock"), [coldkey, netuid])
        return lock and lock["locked_mass"]

    def stored_reveals(self, netuid):
        return list(self.subtensor.query_map(bittensor.storage.Commitments.RevealedCommitments, [netuid]))

    def revealed(self, netuid):
        commitments = self.subtensor.read("commitments", netuid=netuid)
        return {entry["hotkey"]: (entry["block"], entry["commitment"]) for entry in commitments if entry["is_revealed"]}

    def commit(self, wallet, netuid, text, reveal_round):
        """Replaces the one function that tells the beacon's round, for the SDK refuses a round of the past."""
        bittensor.timelock.current_round = lambda: reveal_round - 1
        sealed = bittensor.timelock.encrypt(scale_string(text), reveal_round=reveal_round)
        field = {"TimelockEncrypted": {"encrypted": "0x" + sealed.encrypted.hex(), "reveal_round": sealed.reveal_round}}
        call = bittensor.calls.Commitments.set_commitment(netuid=netuid, info={"fields": [[field]]})
        result = self.subtensor.submit_call(call, wallet, signer="hotkey")
        return result.success, result.message


class Codec:
    def __init__(self, metadata, spec_version, transaction_version):
        self.runtime = RuntimeCodec(metadata, spec_version=spec_version, transaction_version=transaction_version)

    def decode(self, extrinsic):
        return self.runtime.decode_extrinsic(extrinsic)

    def call(self, module, function, arguments):
        return self.runtime.compose_call(module, function, arguments)

    def call_bytes(self, call):
        return bytes(self.runtime.call_data(call))

    def signer_payload(self, call, era, nonce, genesis, era_block_hash):
        return self.runtime.signature_payload(
            call, era=era, nonce=nonce, tip=0, tip_asset_id=None, genesis_hash=genesis, era_block_hash=era_block_hash
        )
