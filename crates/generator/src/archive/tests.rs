//! Archives as they should be, as damaged ones are, and as an enemy would make them.

use std::io::Cursor;

use gen404_sandbox::generator::faults::{Entry, million_entries, write_archive};
use proptest::prelude::*;

use super::*;

const MODULE: &[u8] = b"export default (THREE) => new THREE.Group();";

fn stems(names: &[&str]) -> BTreeSet<Stem> {
    names.iter().map(|name| name.parse().expect("a stem")).collect()
}

/// Opens an archive as a batch of `a` and `b`; also returns what was handed on.
fn open(archive: &[u8]) -> Result<(Unpacked, BTreeMap<Stem, Vec<u8>>), ArchiveError> {
    let mut saved = BTreeMap::new();
    let unpacked =
        unpack(&mut Cursor::new(archive), &stems(&["a", "b"]), &ArchiveLimits::default(), |stem, module| {
            saved.insert(stem.clone(), module.to_vec());
            Ok(())
        })?;
    assert!(unpacked.saved.iter().eq(saved.keys()));
    Ok((unpacked, saved))
}

/// What becomes of an entry that takes the place of `a.js` next to a good `b.js`.
fn problem_of(entry: Entry) -> Problem {
    let (unpacked, saved) = open(&write_archive(&[entry, Entry::stored("b.js", MODULE)])).expect("an archive");
    assert_eq!(saved.into_iter().collect::<Vec<_>>(), [("b".parse().expect("a stem"), MODULE.to_vec())]);
    let [finding] = unpacked.findings.try_into().expect("one finding");
    finding.problem
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(content.len() + 64);
    let mut compress = flate2::Compress::new(flate2::Compression::default(), false);
    compress.compress_vec(content, &mut packed, flate2::FlushCompress::Finish).expect("packed");
    packed
}

fn good_deflated(name: &str, content: &[u8]) -> Entry {
    let plain = Entry::stored(name, content);
    let mut entry = Entry::deflated(name, &deflated(content), plain.record.unpacked);
    entry.record.checksum = plain.record.checksum;
    entry
}

#[test]
fn good_modules_are_handed_on_and_reasons_are_kept() {
    let failed = Entry::stored("_failed.json", br#"{"b": "out of memory"}"#);
    let (unpacked, saved) = open(&write_archive(&[good_deflated("a.js", MODULE), failed])).expect("an archive");
    assert_eq!(saved.into_iter().collect::<Vec<_>>(), [("a".parse().expect("a stem"), MODULE.to_vec())]);
    assert_eq!(
        unpacked.failed.into_iter().collect::<Vec<_>>(),
        [("b".parse().expect("a stem"), "out of memory".to_owned())]
    );
    assert_eq!((unpacked.named, unpacked.findings), (stems(&["a", "b"]), Vec::new()));
}

#[test]
fn an_archive_may_be_empty_or_hold_failures_only() {
    let (unpacked, _) = open(&write_archive(&[])).expect("an archive");
    assert!(unpacked.named.is_empty());
    let (unpacked, _) =
        open(&write_archive(&[Entry::stored("_failed.json", br#"{"a":"x","b":"y"}"#)])).expect("an archive");
    assert_eq!((unpacked.failed.len(), unpacked.saved.len()), (2, 0));
}

#[test]
fn names_that_are_paths_are_not_followed() {
    for name in ["../a.js", "../../etc/a.js", "/etc/a.js", "C:\\a.js", "..\\a.js", "x/a.js", "a.js\0", "..", "a..js"] {
        assert_eq!(problem_of(Entry::stored(name, MODULE)), Problem::Name, "{name}");
    }
    let mut latin = Entry::stored("?.js", MODULE);
    latin.record.name[0] = 0xfc;
    assert_eq!(problem_of(latin), Problem::Name);
}

#[test]
fn other_names_and_other_stems_are_not_taken() {
    for name in ["a.txt", "a", "-a.js", ".js", ".a.js", "a.js/x.js.", "ä.js", "_failed.json.js", "a.JS"] {
        let problem = problem_of(Entry::stored(name, MODULE));
        assert!(matches!(problem, Problem::Unexpected | Problem::Name | Problem::NotAskedFor), "{name}: {problem:?}");
    }
    assert_eq!(problem_of(Entry::stored("c.js", MODULE)), Problem::NotAskedFor);
}

#[test]
fn links_folders_and_devices_are_not_files() {
    for kind in [0o120_777, 0o040_755, 0o020_666, 0o010_644] {
        let mut entry = Entry::stored("a.js", b"/etc/passwd");
        entry.record.attributes = kind << 16;
        assert_eq!(problem_of(entry), Problem::NotAFile, "{kind:o}");
    }
}

#[test]
fn encrypted_entries_and_other_compressions_are_not_opened() {
    let mut encrypted = Entry::stored("a.js", MODULE);
    encrypted.record.flags = 1;
    assert_eq!(problem_of(encrypted), Problem::Encrypted);
    let mut bzip = Entry::stored("a.js", MODULE);
    bzip.record.method = 12;
    assert_eq!(problem_of(bzip), Problem::Compression(12));
}

#[test]
fn a_name_that_comes_twice_is_not_taken_at_all() {
    let archive =
        write_archive(&[Entry::stored("a.js", MODULE), Entry::stored("b.js", MODULE), Entry::stored("a.js", b"other")]);
    let (unpacked, saved) = open(&archive).expect("an archive");
    assert_eq!(saved.len(), 1);
    assert_eq!(unpacked.findings, [Finding { name: "a.js".into(), problem: Problem::Duplicate(2) }]);
}

#[test]
fn a_stem_that_is_made_and_failed_counts_as_failed() {
    let archive = write_archive(&[Entry::stored("a.js", MODULE), Entry::stored("_failed.json", br#"{"a":"no"}"#)]);
    let (unpacked, saved) = open(&archive).expect("an archive");
    assert!(saved.is_empty() && unpacked.failed.contains_key(&"a".parse::<Stem>().expect("a stem")));
    assert_eq!(unpacked.findings[0].problem, Problem::FileAndFailed);
}

#[test]
fn contents_are_measured_and_compared_with_what_is_said_about_them() {
    const LIMIT: usize = 1 << 20;
    let limit = LIMIT as u64;
    let (_, saved) = open(&write_archive(&[good_deflated("a.js", &vec![b' '; LIMIT])])).expect("an archive");
    assert_eq!(saved.len(), 1, "exactly at the limit is fine");
    assert_eq!(problem_of(good_deflated("a.js", &vec![b' '; LIMIT + 1])), Problem::TooLarge { limit });

    let mut lying = good_deflated("a.js", &vec![b' '; 8 * LIMIT]);
    lying.record.unpacked = 100;
    assert_eq!(problem_of(lying), Problem::TooLarge { limit });

    let mut flipped = good_deflated("a.js", MODULE);
    flipped.record.checksum ^= 1;
    assert_eq!(problem_of(flipped), Problem::Damaged);
    let mut shorter = good_deflated("a.js", MODULE);
    shorter.record.unpacked -= 1;
    assert_eq!(problem_of(shorter), Problem::Damaged);
    let mut cut = good_deflated("a.js", MODULE);
    cut.record.packed -= 4;
    assert_eq!(problem_of(cut), Problem::Damaged);
    assert_eq!(problem_of(Entry::stored("a.js", b"")), Problem::Empty);
    assert_eq!(problem_of(Entry::stored("a.js", b"\xff\xfe")), Problem::Encoding);
}

#[test]
fn a_local_header_must_agree_with_the_directory() {
    let mut archive = write_archive(&[Entry::stored("a.js", MODULE), Entry::stored("b.js", MODULE)]);
    archive[30] = b'x';
    let (unpacked, saved) = open(&archive).expect("an archive");
    assert_eq!((saved.len(), &unpacked.findings[0].problem), (1, &Problem::Damaged));
}

#[test]
fn failures_must_be_a_small_object_of_reasons() {
    for content in [&b"[]"[..], b"{", b"\xff", br#"{"../x": "no"}"#] {
        let archive = write_archive(&[Entry::stored("a.js", MODULE), Entry::stored("_failed.json", content)]);
        let (unpacked, saved) = open(&archive).expect("an archive");
        assert_eq!((saved.len(), &unpacked.findings[0].problem), (1, &Problem::Failures));
    }
    let large = format!(r#"{{"b":"{}"}}"#, "x".repeat(16 << 10));
    let (unpacked, _) = open(&write_archive(&[Entry::stored("_failed.json", large.as_bytes())])).expect("an archive");
    assert_eq!(unpacked.findings[0].problem, Problem::TooLarge { limit: 16 << 10 });
}

#[test]
fn what_is_no_whole_archive_is_refused() {
    let whole = write_archive(&[Entry::stored("a.js", MODULE)]);
    for broken in [&b""[..], b"PK", b"<html>", &whole[..whole.len() - 1], &whole[..whole.len() / 2], &whole[20..]] {
        assert!(matches!(open(broken), Err(ArchiveError::Broken { .. })), "{} bytes", broken.len());
    }
    let hidden = {
        let mut archive = write_archive(&[Entry::stored("a.js", MODULE), Entry::stored("b.js", MODULE)]);
        let end = archive.len() - 22;
        archive[end + 8] = 1;
        archive[end + 10] = 1;
        archive
    };
    assert!(matches!(open(&hidden), Err(ArchiveError::Broken { .. })), "an entry more than the end record says");
}

#[test]
fn a_million_entries_are_counted_not_read() {
    let error = open(&million_entries()).expect_err("too many");
    assert!(matches!(error, ArchiveError::TooManyEntries { count: 1_000_000, limit: 100 }), "{error}");
    let many: Vec<_> = (0..101).map(|number| Entry::stored(&format!("{number}.js"), MODULE)).collect();
    assert!(matches!(open(&write_archive(&many)), Err(ArchiveError::TooManyEntries { count: 101, .. })));
    assert!(open(&write_archive(&many[..100])).is_ok());
}

#[test]
fn findings_cannot_flood_a_terminal() {
    let finding = Finding { name: "a\u{1b}[2J".into(), problem: Problem::Name };
    assert!(!finding.to_string().contains('\u{1b}'));
}

proptest! {
    /// Whatever bytes are changed: no panic, and nothing is handed on that differs from what was packed.
    #[test]
    fn damage_is_never_handed_on(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut archive = write_archive(&[good_deflated("a.js", MODULE), Entry::stored("b.js", MODULE)]);
        for (at, byte) in changes {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        if let Ok((_, saved)) = open(&archive) {
            prop_assert!(saved.values().all(|module| module == MODULE));
        }
    }

    /// Bytes without any sense.
    #[test]
    fn noise_is_refused(mut noise in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&noise).is_err());
        noise.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e\0\0\0\0\0\0\0\0\0");
        if let Ok((unpacked, _)) = open(&noise) {
            prop_assert!(unpacked.saved.is_empty());
        }
    }
}
