//! The four stages as plain functions from replies to decisions. What was asked, of whom and how often is not known here,
//! and every threshold comes from the profile.

pub(crate) mod gray_rescue;
pub(crate) mod pair;
pub(crate) mod prompt_match;
pub(crate) mod side_guard;
pub(crate) mod silence;
pub(crate) mod sub_judges;

use gen404_round::duel::{Choice, Winner};

/// Positive values speak against A: the difference of two penalties, A minus B.
pub(crate) fn lower_penalty(difference: f64) -> Choice {
    if difference < 0.0 {
        Choice::A
    } else if difference > 0.0 {
        Choice::B
    } else {
        Choice::Draw
    }
}

/// The word of the record for a side.
pub(crate) fn winner(choice: Choice) -> Winner {
    match choice {
        Choice::A => Winner::Left,
        Choice::B => Winner::Right,
        Choice::Draw => Winner::Draw,
    }
}
