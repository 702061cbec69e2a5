//! What somebody meant who wrote a name that nobody knows: the nearest of the known ones.
//! Names only; where a name stands and what it is for is decided by who asks.

/// An option with the path of the command it stands at.
pub(super) struct Known<'a> {
    pub(super) option: &'a str,
    pub(super) path: &'a [String],
    /// It may stand on top of a file.
    pub(super) shared: bool,
}

/// The options that a key of a settings file was probably meant to be: right but for some letters, or in the wrong table. All of
/// them have the same name.
pub(super) fn meant<'a>(key: &str, known: &'a [Known<'a>]) -> Vec<&'a Known<'a>> {
    let written = key.to_lowercase().replace('_', "-");
    let written = written.as_str();
    let within_table = written.split_once('.').map(|(_, rest)| rest);
    let near = |distance: usize, name: &str| distance <= 3.min(name.len() / 3);
    let whole = known.iter().flat_map(|known| {
        let own = place(known.path, known.option);
        let on_top = known.shared.then(|| known.option.to_owned());
        [Some(own), on_top].into_iter().flatten().map(move |name| (distance(written, &name), name, known))
    });
    let nearest = whole.min_by(|(one, ..), (other, ..)| one.cmp(other));
    if let Some((_, _, known)) = nearest.filter(|(distance, name, _)| near(*distance, name)) {
        return vec![known];
    }
    let of_option = |option: &str| {
        let written = [Some(written), within_table];
        written.into_iter().flatten().map(|written| distance(written, option)).min().unwrap_or(usize::MAX)
    };
    let nearest = known.iter().map(|known| (of_option(known.option), known.option)).min();
    let name = nearest.filter(|(distance, name)| near(*distance, name)).map(|(_, name)| name);
    known.iter().filter(|known| Some(known.option) == name).collect()
}

/// A key of a settings file: the option below the table of its command.
pub(super) fn place(path: &[String], option: &str) -> String {
    path.iter().map(String::as_str).chain([option]).collect::<Vec<_>>().join(".")
}

/// How many letters must be added, taken away or changed to make one name of the other.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (done, letter) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = done + 1;
        for (at, same) in other.bytes().map(|other| other == letter).enumerate() {
            let changed = diagonal + usize::from(!same);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        for (one, other, want) in [("", "abc", 3), ("abc", "abc", 0), ("dryrun", "dry_run", 1), ("jugde", "judge", 2)] {
            assert_eq!((distance(one, other), distance(other, one)), (want, want), "{one} {other}");
        }
    }
}
