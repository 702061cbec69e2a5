//! docs/cli.md is made from the help texts, so that they can never disagree: `make reference` writes it.

use std::fmt::Write;
use std::path::Path;

use crate::binary::Home;

fn help(home: &Home, path: &[&str]) -> String {
    let output = home.run(&[path, &["--help"]].concat());
    assert!(output.status.success(), "{path:?} --help");
    String::from_utf8(output.stdout).expect("help is text")
}

/// Names below the heading `Commands:`.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

fn describe(home: &Home, path: &[&str], page: &mut String) {
    let help = help(home, path);
    let title = [&["404-cli"], path].concat().join(" ");
    let level = "#".repeat(path.len() + 1);
    let text = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    write!(page, "{level} {title}\n\n```text\n{text}\n```\n\n").expect("writing to a String");
    for name in commands(&help) {
        describe(home, &[path, &[name]].concat(), page);
    }
}

#[test]
fn the_reference_is_what_help_says() {
    let home = Home::new();
    let mut page = "<!-- made by `make reference` -->\n\n".to_owned();
    describe(&home, &[], &mut page);
    let page = page.trim_end().to_owned() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&file, page).expect("docs/cli.md is written");
    } else {
        let written = std::fs::read_to_string(&file).expect("docs/cli.md exists");
        assert!(written == page, "docs/cli.md is out of date: run `make reference`");
    }
}
