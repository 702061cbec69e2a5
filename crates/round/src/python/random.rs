//! Python's `random.Random(seed).sample(list, k)`, draw for draw: the Mersenne Twister MT19937 seeded with a whole number,
//! `getrandbits`, and both ways in which `sample` works.

use std::collections::HashSet;

const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// The items that `random.Random(seed).sample(items, count)` picks, in its order.
///
/// A list with no more items than asked for is no sample for the subnet's services: they take it whole, as it stands.
pub fn sample<T>(seed: u64, items: &[T], count: usize) -> Vec<&T> {
    if items.len() <= count {
        return items.iter().collect();
    }
    places(seed, items.len(), count).into_iter().map(|place| &items[place]).collect()
}

/// The places of the sample, for a population that is larger than it.
fn places(seed: u64, population: usize, count: usize) -> Vec<usize> {
    let mut twister = Twister::new(seed);
    if population <= largest_copied(count) {
        let mut pool: Vec<usize> = (0..population).collect();
        return (0..count)
            .map(|drawn| {
                let last = population - drawn - 1;
                let place = twister.below(last + 1);
                let picked = pool[place];
                pool[place] = pool[last];
                picked
            })
            .collect();
    }
    let mut taken = HashSet::new();
    let mut picked = Vec::with_capacity(count);
    while picked.len() < count {
        let place = twister.below(population);
        if taken.insert(place) {
            picked.push(place);
        }
    }
    picked
}

/// Up to which size Python copies the whole list: what a set of `count` items would take.
fn largest_copied(count: usize) -> usize {
    let set = 21;
    if count <= 5 {
        return set;
    }
    let mut table = 1_usize;
    while table < count.saturating_mul(3) {
        table = table.saturating_mul(4);
    }
    table.saturating_add(set)
}

struct Twister {
    state: [u32; WORDS],
    next: usize,
}

impl Twister {
    fn new(seed: u64) -> Self {
        let key = [seed, seed >> 32].map(|half| u32::try_from(half & 0xffff_ffff).expect("masked to 32 bits"));
        let length = if key[1] == 0 { 1 } else { 2 };
        Self::from_key(&key[..length])
    }

    /// `init_by_array` of the reference implementation.
    fn from_key(key: &[u32]) -> Self {
        let mixed = |state: &[u32; WORDS], place: usize, factor: u32| {
            let before = state[place - 1];
            (before ^ (before >> 30)).wrapping_mul(factor)
        };
        let number = |place: usize| u32::try_from(place).expect("there are 624 words");
        let mut state = [0; WORDS];
        state[0] = 19_650_218;
        for place in 1..WORDS {
            state[place] = mixed(&state, place, 1_812_433_253).wrapping_add(number(place));
        }
        let following = |state: &mut [u32; WORDS], place: usize| {
            if place + 1 < WORDS {
                return place + 1;
            }
            state[0] = state[WORDS - 1];
            1
        };
        let mut place = 1;
        for turn in 0..WORDS.max(key.len()) {
            let index = turn % key.len();
            let word = state[place] ^ mixed(&state, place, 1_664_525);
            state[place] = word.wrapping_add(key[index]).wrapping_add(number(index));
            place = following(&mut state, place);
        }
        for _ in 1..WORDS {
            let word = state[place] ^ mixed(&state, place, 1_566_083_941);
            state[place] = word.wrapping_sub(number(place));
            place = following(&mut state, place);
        }
        state[0] = 0x8000_0000;
        Self { state, next: WORDS }
    }

    fn twist(&mut self) {
        for place in 0..WORDS {
            let joined = (self.state[place] & 0x8000_0000) | (self.state[(place + 1) % WORDS] & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[place] = self.state[(place + MIDDLE) % WORDS] ^ (joined >> 1) ^ odd;
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// `getrandbits`, for 1 to 64 bits.
    fn bits(&mut self, count: u32) -> u64 {
        if count <= 32 {
            return u64::from(self.word() >> (32 - count));
        }
        let low = u64::from(self.word());
        low | u64::from(self.word() >> (64 - count)) << 32
    }

    /// A whole number from 0 to below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        let bits = usize::BITS - end.leading_zeros();
        loop {
            // Only on machines with 32-bit addresses could it be too large, and there no list is that long.
            let drawn = usize::try_from(self.bits(bits)).unwrap_or(usize::MAX);
            if drawn < end {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_those_of_python() {
        // (seed, population, count), then the first eight and the last place as Python 3.11 draws them.
        for (seed, population, count, first, last) in [
            (0, 10, 3, &[6, 9, 0][..], 0),
            (579_720_909, 128, 32, &[56, 39, 25, 28, 104, 113, 116, 65], 59),
            (579_720_909, 277, 32, &[112, 156, 102, 114, 260, 201, 163, 155], 8),
            (579_720_909, 278, 32, &[112, 156, 102, 114, 260, 201, 163, 155], 35),
            (4_067_977_960, 58_000, 96, &[7_769, 32_033, 14_205, 24_560, 18_914, 46_281, 54_293, 55_164], 15_463),
            (4_294_967_295, 100_000, 96, &[83_277, 81_208, 26_633, 28_225, 79_608, 68_471, 38_185, 79_043], 72_399),
            (5, 22, 5, &[19, 8, 11, 20, 16], 16),
            (5, 21, 5, &[19, 8, 11, 16, 0], 0),
            (12_345_678_901_234_567_890, 85, 6, &[65, 69, 82, 57, 41, 45], 45),
            (42, 30, 6, &[20, 3, 0, 23, 8, 7], 7),
        ] {
            let items: Vec<usize> = (0..population).collect();
            let drawn: Vec<usize> = sample(seed, &items, count).into_iter().copied().collect();
            assert_eq!(drawn.len(), count);
            assert!(drawn.starts_with(first), "{seed} {population} {count}: {drawn:?}");
            assert_eq!(drawn.last(), Some(&last));
        }
    }

    #[test]
    fn a_short_list_is_taken_whole() {
        assert_eq!(sample(1, &[3, 1, 2], 3), [&3, &1, &2]);
        assert_eq!(sample(1, &[3, 1, 2], 9), [&3, &1, &2]);
        assert!(sample(1, &[0_u8; 0], 9).is_empty());
        assert!(sample(1, &[3, 1], 0).is_empty());
    }
}
