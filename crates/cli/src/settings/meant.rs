//! What somebody meant who wrote a name that nobody knows: the nearest of the known ones.
//! Names only; where a name stands and what it is for is decided by who asks.

use strsim::levenshtein as distance;

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
