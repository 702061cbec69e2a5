//! What a model's reply text is worth: finding the JSON in it, repairing it, and reading it leniently.
//! The rules are those of the subnet's judge, measured; nothing here knows how the text was obtained.

mod coerce;
mod json;
mod shapes;

#[cfg(test)]
pub(crate) use shapes::{Check, ChecklistFeature};
pub(crate) use shapes::{FAILED_MARKER, Issues, Penalties, PromptChecklist, Reply, SideVerdict, Verification};

/// Why a reply could not be used. Texts of the model are not repeated here: they are long and not ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableReply {
    /// No text at all.
    #[error("the reply was empty")]
    Empty,
    /// The model refused, or something kept its answer back.
    #[error(
        "{}",
        match refusal {
            Some(words) => format!("the model refused to answer: {words}"),
            None => format!("the reply was empty (finish_reason {})", finish_reason.as_deref().unwrap_or("not given")),
        }
    )]
    Withheld {
        /// The model's own words about it.
        refusal: Option<String>,
        /// Why the model stopped, in the server's word: `content_filter`, …
        finish_reason: Option<String>,
    },
    /// No JSON object could be found in the text.
    #[error("the reply held no JSON object")]
    NoJson,
    /// A field is missing or has another type.
    #[error("the reply has no usable `{field}`")]
    Field {
        /// Name of the field.
        field: &'static str,
    },
    /// A number without end. The subnet's judge stops looking at such a reply, and so do we.
    #[error("the reply has an infinite `{field}`")]
    Infinite {
        /// Name of the field.
        field: &'static str,
    },
}

/// Reads a reply: the trimmed text, the inside of the first fence, and the span of braces are tried in turn, each as it
/// is and without its trailing commas.
pub(crate) fn read<R: Reply>(text: &str) -> Result<R, UnusableReply> {
    if text.is_empty() {
        return Err(UnusableReply::Empty);
    }
    let mut problem = UnusableReply::NoJson;
    for candidate in candidates(text) {
        for text in [candidate.to_owned(), without_trailing_commas(candidate)] {
            let Some(json) = json::parse(&text) else { continue };
            match R::from_json(&json) {
                Ok(reply) => return Ok(reply),
                Err(infinite @ UnusableReply::Infinite { .. }) => return Err(infinite),
                Err(other) => problem = other,
            }
        }
    }
    Err(problem)
}

/// The places where JSON may be, without repetitions.
fn candidates(text: &str) -> Vec<&str> {
    let mut found = vec![text.trim()];
    for candidate in [fenced(text), braced(text)].into_iter().flatten() {
        if !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

/// The inside of the first block between three back-ticks, without a `json` in front.
fn fenced(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```")?;
    let rest = match rest.get(..4) {
        Some(word) if word.eq_ignore_ascii_case("json") => &rest[4..],
        _ => rest,
    };
    rest.split_once("```").map(|(inside, _)| inside.trim())
}

/// From the first opening brace to the last closing one.
fn braced(text: &str) -> Option<&str> {
    text.get(text.find('{')?..=text.rfind('}')?)
}

/// Takes away every comma that only white space separates from a closing bracket, and nothing but the comma; also
/// inside strings, as the subnet's judge does.
fn without_trailing_commas(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(',') {
        kept.push_str(before);
        if !after.trim_start().starts_with(['}', ']']) {
            kept.push(',');
        }
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GOOD: &str = r#"{"penalty_1": 3, "penalty_2": 6, "issues": "thin legs"}"#;

    fn penalties(text: &str) -> Option<(f64, f64)> {
        read::<Penalties>(text).ok().map(|reply| (reply.first, reply.second))
    }

    fn with_first(value: &str) -> Option<f64> {
        penalties(&GOOD.replacen('3', value, 1)).map(|(first, _)| first)
    }

    #[test]
    fn wrappings_are_taken_off() {
        let wrapped = [
            GOOD.to_owned(),
            format!("\n\n {GOOD}\t\n"),
            format!("```json\n{GOOD}\n```"),
            format!("```\n{GOOD}\n```\nThat is my verdict."),
            format!("```JSON\n{GOOD}\n```"),
            format!("```json\n{GOOD}"),
            format!("The {{answer}} follows.\n```json\n{GOOD}\n```\nEnd of {{answer}}."),
            format!("```json\n{GOOD}\n```\nor, as text:\n```\nno {{idea}}\n```"),
            format!("Here is the result: {GOOD}"),
            format!("{GOOD}\n\nLet me know."),
            format!("[{GOOD}]"),
            format!("\u{feff}{GOOD}"),
            GOOD.replace('}', ", }"),
            format!("Sure!\n```json\n{}\n```", GOOD.replace('}', ",\n}")),
            GOOD.replacen('{', r#"{"penalty_1": 9, "#, 1),
            GOOD.replace('}', r#", "confidence": NaN}"#),
            GOOD.replace('}', r#", "confidence": -Infinity, "more": [1, {"a": 1e400}]}"#),
        ];
        for text in wrapped {
            assert_eq!(penalties(&text), Some((3.0, 6.0)), "{text}");
        }
    }

    #[test]
    fn only_the_comma_goes() {
        let repaired = [
            ("{\"a\": 1, }", "{\"a\": 1 }"),
            ("[1,\n\t]", "[1\n\t]"),
            (r#"{"issues": "holes (a,  ] b), thin legs",}"#, r#"{"issues": "holes (a  ] b), thin legs"}"#),
            ("{\"a\": \"x,\u{a0}}\"}", "{\"a\": \"x\u{a0}}\"}"),
            ("[1,, ]", "[1, ]"),
            ("a, b", "a, b"),
        ];
        for (text, want) in repaired {
            assert_eq!(without_trailing_commas(text), want, "{text}");
        }
        let read = read::<Penalties>(r#"{"penalty_1": 3, "penalty_2": 6, "issues": "legs [thin,  ] pale",}"#);
        assert_eq!(read.map(|reply| reply.issues), Ok("legs [thin  ] pale".to_owned()));
    }

    #[test]
    fn what_the_subnet_cannot_read_is_not_read() {
        let unreadable = [
            String::new(),
            " \n\t ".to_owned(),
            "I cannot compare these pictures.".to_owned(),
            GOOD.replace('"', "'"),
            GOOD[..GOOD.len() - 1].to_owned(),
            GOOD[..20].to_owned(),
            format!("{GOOD}\n{GOOD}"),
            format!("<think>maybe {{this}} or that</think>\n{GOOD}"),
            format!("The {{answer}}: {GOOD}"),
            GOOD.replace("thin legs", "thin\nlegs"),
            GOOD.replacen('{', "{ // the answer\n", 1),
            GOOD.replace('}', r#", "sure": True}"#),
            serde_json::to_string(GOOD).expect("a string"),
            "[3, 6, \"x\"]".to_owned(),
            GOOD.replace(r#""thin legs""#, "5"),
            GOOD.replace(r#""thin legs""#, "null"),
            GOOD.replace(r#", "issues": "thin legs""#, ""),
            GOOD.replace(r#""penalty_1": 3, "#, ""),
        ];
        for text in unreadable {
            assert_eq!(penalties(&text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, value) in [
            ("3", 3.0),
            ("-3", -3.0),
            ("99", 99.0),
            ("4.0", 4.0),
            ("3.5", 4.0),
            ("2.5", 2.0),
            ("-2.5", -2.0),
            ("-0.5", 0.0),
            ("3e0", 3.0),
            ("1E1", 10.0),
            ("true", 1.0),
            ("false", 0.0),
            (r#""3""#, 3.0),
            (r#""3.0""#, 3.0),
            (r#""4.6""#, 5.0),
            (r#""0.5""#, 0.0),
            (r#""+3""#, 3.0),
            (r#"" 7 ""#, 7.0),
            (r#""1e1""#, 10.0),
            (r#""1_0""#, 10.0),
            (r#""03""#, 3.0),
            (r#"".5""#, 0.0),
            (r#""7.""#, 7.0),
        ] {
            assert_eq!(with_first(text), Some(value), "{text}");
        }
        for text in [
            r#""3/10""#,
            r#""three""#,
            r#""""#,
            "null",
            "NaN",
            r#""nan""#,
            "Infinity",
            "-Infinity",
            r#""inf""#,
            "1e400",
            r#""1e400""#,
            "[3]",
            "{}",
            "03",
            "+3",
            ".5",
            "7.",
            "0x3",
            r#""0x3""#,
            r#""1__0""#,
            r#""_1""#,
            r#""1_""#,
            r#""1_.0""#,
            "1_0",
        ] {
            assert_eq!(with_first(text), None, "{text}");
        }
    }

    #[test]
    fn an_infinite_number_ends_the_search() {
        let text = format!("{}\n```json\n{GOOD}\n```", GOOD.replacen('3', "Infinity", 1));
        assert_eq!(penalties(&text), Some((3.0, 6.0)), "the broken object is no JSON text by itself");
        let text = GOOD.replacen('3', "Infinity", 1);
        assert_eq!(read::<Penalties>(&text), Err(UnusableReply::Infinite { field: "penalty_1" }));
    }

    #[test]
    fn commas_inside_strings_are_repaired_too() {
        let issues = |text| read::<Issues>(text).map(|reply| reply.issues);
        assert_eq!(
            issues(r#"{"issues": "list [a, b, ] and {c , } end",}"#).as_deref(),
            Ok("list [a, b ] and {c  } end")
        );
        assert_eq!(
            issues(r#"{"issues": "list [a, b, ] and {c , } end"}"#).as_deref(),
            Ok("list [a, b, ] and {c , } end")
        );
        assert_eq!(issues(r#"{"issues": "x",, }"#), Err(UnusableReply::NoJson));
    }

    #[test]
    fn words_for_true_and_false_are_pythons() {
        let correct = |value: &str| {
            read::<Verification>(&format!(r#"{{"checks": [], "main_object_correct": {value}}}"#))
                .ok()
                .map(|reply| reply.main_object_correct)
        };
        for word in ["true", "1", "1.0", r#""true""#, r#""Yes""#, r#""Y""#, r#""on""#, r#""1""#, r#""T""#] {
            assert_eq!(correct(word), Some(true), "{word}");
        }
        for word in ["false", "0", "0.0", r#""FALSE""#, r#""No""#, r#""n""#, r#""OFF""#, r#""0""#, r#""f""#] {
            assert_eq!(correct(word), Some(false), "{word}");
        }
        for word in ["2", "0.5", r#""maybe""#, r#"" true""#, r#""""#, "[true]", "null", r#""2""#, r#""1.0""#] {
            assert_eq!(correct(word), None, "{word}");
        }
    }

    #[test]
    fn enumerations_are_exact_and_lists_have_their_length() {
        let verdict = |word: &str| read::<SideVerdict>(&format!(r#"{{"verdict": "{word}", "reason": "r"}}"#)).is_ok();
        assert!(verdict("ok") && verdict("garbage"));
        assert!(!verdict("OK") && !verdict("ok ") && !verdict("unclear"));
        assert!(read::<SideVerdict>(r#"{"verdict": "ok"}"#).is_err());

        let feature = r#"{"description": "4 legs", "category": "count"}"#;
        let checklist = |feature: &str, times: usize| {
            let features = vec![feature; times].join(", ");
            read::<PromptChecklist>(&format!(r#"{{"main_object": "chair", "features": [{features}]}}"#)).is_ok()
        };
        let by_length: Vec<bool> = (3..=8).map(|times| checklist(feature, times)).collect();
        assert_eq!(by_length, [false, true, true, true, true, false]);
        assert!(!checklist(&feature.replace("count", "Count"), 4));
        assert!(!checklist(r#""4 legs""#, 4));

        let check = |check: &str| {
            read::<Verification>(&format!(r#"{{"checks": [{check}], "main_object_correct": true}}"#)).is_ok()
        };
        assert!(check(r#"{"feature": "4 legs", "match": "partial", "note": "three"}"#));
        assert!(!check(r#"{"feature": "4 legs", "match": "Yes", "note": "n"}"#));
        assert!(!check(r#"{"feature": "4 legs", "match": "yes"}"#));
        assert!(read::<Verification>(r#"{"checks": {"a": "yes"}, "main_object_correct": true}"#).is_err());
    }

    /// Replies of every kind with what the subnet's validation library makes of them (tests/data/replies.json): `[kind, text, fields]`.
    #[test]
    fn the_same_as_the_subnets_library() {
        let text = include_str!("../tests/data/replies.json");
        let cases: Vec<(String, String, serde_json::Value)> = serde_json::from_str(text).expect("cases");
        for (kind, text, want) in cases {
            let got = match kind.as_str() {
                "P" => read(&text).map(|reply: Penalties| {
                    json!({"penalty_1": reply.first, "penalty_2": reply.second, "issues": reply.issues})
                }),
                "C" => read(&text).map(|reply: PromptChecklist| {
                    let feature = |feature: &ChecklistFeature| {
                        json!({"description": feature.description, "category": feature.category})
                    };
                    json!({"main_object": reply.main_object, "features": reply.features.iter().map(feature).collect::<Vec<_>>()})
                }),
                "V" => read(&text).map(|reply: Verification| {
                    let check = |check: &Check| json!({"feature": check.feature, "match": check.mark, "note": check.note});
                    let checks: Vec<_> = reply.checks.iter().map(check).collect();
                    json!({"checks": checks, "main_object_correct": reply.main_object_correct})
                }),
                "S" => read(&text).map(|reply: SideVerdict| json!({"verdict": reply.verdict, "reason": reply.reason})),
                _ => read(&text).map(|reply: Issues| json!({"issues": reply.issues})),
            };
            assert_eq!(got.unwrap_or(serde_json::Value::Null), want, "{kind} {text:?}");
        }
    }
}
