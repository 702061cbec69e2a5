//! How much of its stack the subnet's parser and its walk need for a tree. Both recurse on Node's default stack and die
//! at a depth that no document names; what each construct costs was measured with parser 7.29.2 on Node 20.
//!
//! The measure is good to some tenths: what a call costs depends on how warm the process is.

/// What one construct costs the subnet's parser, as the number of times it can be nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost(u64);

/// The whole stack, in the unit in which costs are added.
const WHOLE: u64 = 10_000_000;

impl Cost {
    /// Read in a loop: no recursion of the parser, but one level for the walk.
    pub(crate) const LOOP: Self = Self(0);
    pub(crate) const PARENTHESES: Self = Self::nestable(486);
    pub(crate) const ARRAY: Self = Self::nestable(434);
    pub(crate) const PROPERTY: Self = Self::nestable(386);
    pub(crate) const ARGUMENTS: Self = Self::nestable(405);
    pub(crate) const TEMPLATE: Self = Self::nestable(491);
    pub(crate) const OPERATOR: Self = Self::nestable(5_009);
    pub(crate) const PREFIX: Self = Self::nestable(4_840);
    pub(crate) const ASSIGNMENT: Self = Self::nestable(4_031);
    pub(crate) const POWER: Self = Self::nestable(2_200);
    pub(crate) const CONDITION: Self = Self::nestable(2_007);
    pub(crate) const NEW: Self = Self::nestable(1_493);
    pub(crate) const ARROW: Self = Self::nestable(597);
    pub(crate) const FUNCTION: Self = Self::nestable(550);
    pub(crate) const CLASS: Self = Self::nestable(1_700);
    pub(crate) const BLOCK: Self = Self::nestable(1_035);
    pub(crate) const LOOP_STATEMENT: Self = Self::nestable(1_011);
    pub(crate) const STATEMENT: Self = Self::nestable(1_900);

    const fn nestable(times: u64) -> Self {
        Self(WHOLE / times)
    }
}

/// Levels of the tree that the subnet's walk can go down.
const WALKED_LEVELS: u32 = 1_200;

/// How deep a tree goes at its deepest.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Depth {
    cost: u64,
    levels: u32,
    most_cost: u64,
    most_levels: u32,
}

/// What becomes of the subnet's programs on a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They get through.
    Fine,
    /// They get through here; a process in another state may not.
    Close,
    /// The parser gives up.
    ParserDies,
    /// The parser gets through, the walk does not.
    WalkDies,
}

impl Depth {
    pub(crate) fn down(&mut self, cost: Cost) {
        self.cost += cost.0;
        self.levels += 1;
        self.most_cost = self.most_cost.max(self.cost);
        self.most_levels = self.most_levels.max(self.levels);
    }

    pub(crate) fn up(&mut self, cost: Cost) {
        self.cost -= cost.0;
        self.levels -= 1;
    }

    pub(crate) fn fate(self) -> Fate {
        if self.most_cost >= WHOLE {
            Fate::ParserDies
        } else if self.most_levels >= WALKED_LEVELS {
            Fate::WalkDies
        } else if self.most_cost >= WHOLE / 2 || self.most_levels >= WALKED_LEVELS / 2 {
            Fate::Close
        } else {
            Fate::Fine
        }
    }
}
