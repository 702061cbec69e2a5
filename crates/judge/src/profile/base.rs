//! Profiles that name a built-in one as their base and say only what is different.
//! What the keys mean is not known here.

use toml::{Table, Value};

use super::{BUILT_IN, InvalidProfile, built_in_text};

/// The key that names the base.
const KEY: &str = "base";

/// The text of the base and the whole profile, when the file has a base.
pub(super) fn of(text: &str) -> Result<Option<(&'static str, Table)>, InvalidProfile> {
    let shape = |error| InvalidProfile::Shape(Box::new(error));
    let mut changes: Table = text.parse().map_err(shape)?;
    let Some(base) = changes.remove(KEY) else { return Ok(None) };
    let name = base.as_str().unwrap_or_default();
    let Some(base_text) = built_in_text(name) else {
        return Err(InvalidProfile::Base { base: name.to_owned(), names: BUILT_IN.join(" or ") });
    };
    let mut profile: Table = base_text.parse().map_err(shape)?;
    profile.insert("name".to_owned(), Value::String(format!("based on {name}")));
    change(&mut profile, changes);
    Ok(Some((base_text, profile)))
}

/// Tables are changed key by key; everything else is replaced, lists as a whole.
fn change(table: &mut Table, changes: Table) {
    for (key, new) in changes {
        match (table.get_mut(&key), new) {
            (Some(Value::Table(old)), Value::Table(new)) => change(old, new),
            (_, new) => drop(table.insert(key, new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{InvalidProfile, Profile};

    #[test]
    fn what_a_profile_does_not_say_is_as_in_its_base() {
        let text = "\u{feff}base = \"cli\"\nrequest.omit = [\"seed\"]\n[prompt_match]\ndraw_within = 0.5\n";
        let changed = Profile::parse(text).expect("a profile");
        let mut base = Profile::built_in("cli").expect("built in");
        assert_ne!(changed.digest, base.digest);
        base.request.omit = vec!["seed".to_owned()];
        base.prompt_match.draw_within = 0.5;
        assert_eq!(
            changed,
            Profile { name: "based on cli".to_owned(), digest: changed.digest.clone(), built_in: None, ..base }
        );
        let named = Profile::parse("base = \"official\"\nname = \"mine\"").expect("a profile");
        assert_eq!((named.name.as_str(), named.rehearsal), ("mine", false));
    }

    #[test]
    fn what_a_base_does_not_have_is_refused() {
        let refused = |text: &str| Profile::parse(text).expect_err(text);
        assert!(matches!(refused("base = \"clu\""), InvalidProfile::Base { base, .. } if base == "clu"));
        assert!(matches!(refused("base = 5"), InvalidProfile::Base { .. }));
        assert!(matches!(refused("base = \"cli\"\nreqest = 5"), InvalidProfile::Shape(_)));
        assert!(matches!(refused("base = \"cli\"\nrequest.omit = [\"messages\"]"), InvalidProfile::Request { .. }));
    }
}
