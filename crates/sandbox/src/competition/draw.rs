//! Which prompts a round has: some of the round before, then new ones of the pool, drawn as the subnet's service draws them.
//! Lines in, lines out.

use gen404_round::python::sample;

/// The prompts of a round.
pub(super) fn prompts(seed: u64, before: &[String], pool: &[String], carried: usize, total: usize) -> Vec<String> {
    let mut drawn: Vec<String> = sample(seed, before, carried.min(total)).into_iter().cloned().collect();
    let new: Vec<&String> = pool.iter().filter(|line| !drawn.contains(line)).collect();
    let picked = sample(seed, &new, total.saturating_sub(drawn.len()));
    let picked: Vec<String> = picked.into_iter().map(|line| (*line).clone()).collect();
    drawn.extend(picked);
    drawn
}

/// A prompt's stem: the last part of its address, without its ending.
pub(super) fn stem(address: &str) -> &str {
    let name = address.rsplit('/').next().unwrap_or(address);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_prompts_are_carried_over_and_none_comes_twice() {
        let line = |number: usize| format!("http://h/{number}.png");
        let pool: Vec<_> = (0..32).map(line).collect();
        let first = prompts(404, &[], &pool, 4, 16);
        let second = prompts(405, &first, &pool, 4, 16);
        assert_eq!((first.len(), second.len()), (16, 16));
        // random.Random(405).sample(first, 4)
        assert_eq!(second[..4].iter().collect::<Vec<_>>(), sample(405, &first, 4));
        let mut once = second.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), 16);
        // A pool with no more than is asked for is taken whole.
        assert_eq!(prompts(1, &[], &pool[..3], 4, 16), pool[..3]);
        assert_eq!(stem("http://h/a.b/lamp.v2.png"), "lamp.v2");
    }
}
