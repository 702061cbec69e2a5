//! What random modules are made of.

use proptest::prelude::*;

/// Tokens and halves of tokens.
pub(crate) fn piece() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "THREE",
        "THREE.",
        "Mesh",
        "fetch",
        "a",
        "let ",
        "var ",
        "const ",
        "function ",
        "function* ",
        "class ",
        "=>",
        "=",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ";",
        ",",
        ".",
        "?.",
        "...",
        "`",
        "${",
        "'",
        "\"",
        "/",
        "\\",
        "\n",
        "if",
        "else ",
        "for",
        "of ",
        "in ",
        "while",
        "do ",
        "switch",
        "case ",
        "default",
        "export ",
        "import ",
        "async ",
        "await ",
        "yield ",
        "new ",
        "return ",
        "try",
        "catch",
        "static ",
        "get ",
        "#p",
        "super",
        "this",
        "1",
        "0x",
        "1n",
        "\u{2028}",
        "é",
        "😀",
        "/*",
        "*/",
        "//",
        "<!--",
        "@",
        "#!",
        "\u{0}",
        "break",
        "continue ",
        "using ",
        ":",
        "?",
        "??",
        "**",
        "++",
        "typeof ",
        "\\u0061",
        "constructor",
        "__proto__",
        "MathUtils",
    ]);
    word.prop_map(str::to_owned)
}

/// A grammar of statements that mostly parse.
pub(crate) fn statement() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "f", "THREE", "fetch", "zzz", "arguments", "Math", "Object"]);
    let leaf = prop_oneof![name.clone().prop_map(str::to_owned), Just("1".to_owned()), Just("'s'".to_owned())];
    let expression = leaf.prop_recursive(4, 24, 3, move |inner| {
        let name = name.clone();
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["Mesh", "constructor", "x", "toString"]))
                .prop_map(|(e, p)| format!("({e}).{p}")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l})[{r}]")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l})({r}, THREE)")),
            (name, inner.clone()).prop_map(|(n, e)| format!("(({n}) => {e})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} ?? ({r}))")),
            inner.clone().prop_map(|e| format!("(class {{ #p = {e}; [{e}]() {{ return {e}; }} }})")),
            inner.prop_map(|e| format!("`${{{e}}}`")),
        ]
    });
    let pattern = prop::sample::select(vec!["{ a }", "[b]", "{ Mesh: m, ...r }", "f", "{ THREE = 1 }"]);
    (expression, pattern, 0..6_usize).prop_map(|(e, p, form)| match form {
        0 => format!("var {p} = {e};"),
        1 => format!("{{ let {p} = {e}; }}"),
        2 => format!("for (const {p} of {e}) {{}}"),
        3 => format!("switch ({e}) {{ case {e}: }}"),
        4 => format!("try {{ {e}; }} catch ({p}) {{ {e}; }}"),
        _ => format!("{e};"),
    })
}
