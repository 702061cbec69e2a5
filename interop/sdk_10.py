"""bittensor 10: methods of `Subtensor` for everything, and a codec that belongs to a client."""

import bittensor
import bittensor_drand
from async_substrate_interface.sync_substrate import SubstrateInterface
from async_substrate_interface.types import Runtime, _decode_v15_metadata
from bittensor_wallet import Keypair
from scalecodec.base import ScaleBytes

from official_sdk import scale_string

__all__ = ["Chain", "Codec", "Keypair"]


class Chain(bittensor.Subtensor):
    def block(self):
        return self.get_current_block()

    def owner(self, hotkey):
        return self.get_hotkey_owner(hotkey)

    def owned(self, coldkey):
        return self.get_owned_hotkeys(coldkey)

    def locked_rao(self, coldkey, netuid):
        lock = self.get_coldkey_lock(coldkey, netuid)
        return lock and lock["locked_mass"].rao

    def stored_reveals(self, netuid):
        return list(self.substrate.query_map("Commitments", "RevealedCommitments", [netuid]))

    def revealed(self, netuid):
        return {hotkey: reveals[-1] for hotkey, reveals in self.get_all_revealed_commitments(netuid).items()}

    def commit(self, wallet, netuid, text, reveal_round):
        """Replaces the one function that takes the round from the clock; the drand library behind it is the same."""

        def encrypt(data, *_):
            envelope = bittensor_drand.encrypt_at_round(scale_string(data), reveal_round)[0]
            # The library puts a compact length of two bytes in front and the round behind.
            return envelope[2:-8], reveal_round

        bittensor.core.subtensor.get_encrypted_commitment = encrypt
        response = self.set_reveal_commitment(wallet, netuid, text)
        return response.success, response.message


class Codec(SubstrateInterface):
    """The SDK's client without a node: metadata and block hashes come from here."""

    def __init__(self, metadata, spec_version, transaction_version):
        super().__init__("ws://offline", _mock=True)
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
        decoded = self.runtime_config.create_scale_object(
            "Extrinsic", data=ScaleBytes(extrinsic), metadata=self.runtime.metadata
        )
        return decoded.decode()

    def call(self, module, function, arguments):
        # The SDK reads a bounded list as the list itself, but wants it wrapped when it writes one.
        wrapped = arguments | {"info": {"fields": [arguments["info"]["fields"]]}}
        return self.compose_call(module, function, wrapped)

    def call_bytes(self, call):
        return bytes(call.data.data)

    def signer_payload(self, call, era, nonce, genesis, era_block_hash):
        self.block_hashes = {0: genesis, era["current"]: era_block_hash}
        return bytes(self.generate_signature_payload(call, era=era, nonce=nonce).data)
