//! Another fork becomes the longer one: the newest blocks are taken back, as if they had never been.
//! Only takes back; the blocks of the new fork are made as all others are.

use super::super::extrinsic::Submitted;
use super::super::primitives::BlockNumber;
use super::Node;

impl Node {
    /// Takes back so many of the newest blocks, but none that is final. Their extrinsics are in no block and no pool afterwards,
    /// as those are that were never passed on; who sends them again may.
    pub(crate) fn retract(&mut self, blocks: BlockNumber) {
        let last = self.head().header.number.saturating_sub(blocks).max(self.finalized().header.number);
        while self.head().header.number > last && self.runtime.storage.retract() {
            let Some(block) = self.blocks.pop() else { return };
            let number = block.header.number;
            self.numbers.remove(&block.hash);
            self.included.remove(&number);
            self.versions.retain(|(first, _)| *first < number);
            for bytes in &block.extrinsics {
                if let Ok(Submitted::Signed(signed)) = Submitted::decode(bytes) {
                    self.pool.welcome_again(signed.hash);
                }
            }
            let head = self.head();
            self.runtime.head = (head.header.number, head.hash);
        }
    }
}
