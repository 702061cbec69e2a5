//! Writes a sketch down as a Three.js module that obeys the subnet's rules: no imports, only allowed names, inside the unit cube.
//! The same stem, seed and sketch always give the same text; it must not know about pictures.

use std::fmt::Write;

use super::Quality;
use super::silhouette::{Part, Ring};

/// What every module ends with: a lathe for the parts and the function the validators call.
const LATHE: &str = include_str!("module/lathe.js");

/// The module's text.
pub(crate) fn write(stem: &str, seed: u64, quality: Quality, parts: &[Part]) -> String {
    let mut dice = Dice::of(stem, seed);
    let (most, least) = match quality {
        Quality::Fine => (56, 40),
        Quality::Coarse => (10, 6),
    };
    let segments = least + dice.below(most - least);
    let roughness = 45 + dice.below(35);
    let turn = dice.below(100);
    let mut text = format!(
        "// A simple object for the prompt \"{stem}\", seed {seed}, turned from its picture's outline by the sample generator.\n\
         const SEGMENTS = {segments};\n\
         const ROUGHNESS = 0.{roughness};\n\
         const TURN = 0.{turn:02};\n\
         // Parts from rings, bottom up: height, middle and radius in thousandths, colour.\n\
         const PARTS = [\n"
    );
    for part in parts {
        let rings = part
            .iter()
            .map(|Ring { height, middle, radius, colour }| format!("[{height},{middle},{radius},0x{colour:06x}]"));
        let rings: Vec<_> = rings.collect();
        writeln!(text, "  [{}],", rings.join(",")).expect("a string takes every byte");
    }
    text.push_str("];\n\n");
    text.push_str(LATHE);
    text
}

/// Small numbers that follow from stem and seed alone (splitmix64).
struct Dice(u64);

impl Dice {
    fn of(stem: &str, seed: u64) -> Self {
        let mixed = stem
            .bytes()
            .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(mixed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_depends_on_its_stem_and_seed_and_nothing_else() {
        let parts = [vec![
            Ring { height: -400, middle: 0, radius: 200, colour: 0x00_1020 },
            Ring { height: 400, middle: 5, radius: 100, colour: 0xff_ffff },
        ]];
        let first = write("lamp", 7, Quality::Fine, &parts);
        assert_eq!(first, write("lamp", 7, Quality::Fine, &parts));
        assert_ne!(first, write("lamp", 8, Quality::Fine, &parts));
        assert_ne!(first, write("vase", 7, Quality::Fine, &parts));
        assert!(first.contains("[[-400,0,200,0x001020],[400,5,100,0xffffff]]"));
        assert!(first.ends_with("}\n"));
    }
}
