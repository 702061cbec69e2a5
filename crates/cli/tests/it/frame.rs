//! What holds for every command: help, version, usage errors, settings files.

use crate::binary::{Home, transcript};

#[test]
fn version_is_text_and_its_first_line_is_all_that_the_short_form_says() {
    let said = |flag: &str| {
        let output = Home::new().run(&[flag]);
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text")
    };
    let short = said("-V");
    assert_eq!(short, concat!("404-cli ", env!("CARGO_PKG_VERSION"), "\n"));
    let long = said("--version");
    let lines: Vec<&str> = long.lines().collect();
    let [first, commit, three, recipe] = lines[..] else { panic!("four lines: {long}") };
    assert_eq!(first, short.trim_end());
    assert!(commit.starts_with("commit ") && three.starts_with("three 0.") && recipe.starts_with("recipe "), "{long}");
}

#[test]
fn a_usage_error_is_one_json_object_and_exit_2() {
    let output = Home::new().run(&["completions", "nu"]);
    insta::assert_snapshot!(transcript(&output), @r#"
    exit 2
    --- stdout
    {"success":false,"error":"invalid value 'nu' for '<SHELL>' [possible values: bash, elvish, fish, powershell, zsh]"}
    --- stderr
    error: invalid value 'nu' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

    For more information, try '--help'.
    "#);
}

#[test]
fn no_command_shows_the_help_on_stderr() {
    let output = Home::new().run(&[]);
    assert_eq!(output.status.code(), Some(2));
    let error = r#"{"success":false,"error":"no command given; see 404-cli --help"}"#;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), error);
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage: 404-cli"));
}

#[test]
fn a_broken_settings_file_is_named() {
    let home = Home::new();
    std::fs::write(home.path().join("404-cli.toml"), "seed = [").expect("the file is written");
    let output = home.run(&["list-all"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("line 1 of 404-cli.toml is not TOML"), "{}", transcript(&output));
    // It must not take away what helps to repair it.
    for line in [&["--help"][..], &["--version"], &["judge", "--help"], &["completions", "bash"], &["man"]] {
        let output = home.run(line);
        assert!(output.status.success(), "{line:?}: {}", transcript(&output));
    }
}

#[test]
fn letters_in_a_number_are_told_in_plain_words() {
    let output = Home::new().run(&["list-all", "--netuid", "abc"]);
    let error = r#"{"success":false,"error":"invalid value 'abc' for '--netuid <NUMBER>': not a whole number"}"#;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), error);
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a whole number"), "{}", transcript(&output));
}

#[test]
fn a_dry_run_of_one_command_is_none_of_another() {
    let home = Home::new();
    let line = ["start-judge", "--targon-api-key", "k-s3cret"];
    let said = |name: &str, line: &[&str]| {
        let output = home.command(line).env(name, "1").output().expect("it runs");
        assert!(!transcript(&output).contains("s3cret"));
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, shared) = said("GEN404_DRY_RUN", &line);
    assert_eq!(code, Some(2));
    assert!(shared.contains("for `start-judge` it is GEN404_START_JUDGE_DRY_RUN"), "{shared}");
    let (code, misspelt) = said("GEN404_START_JUDGE_DRYRUN", &line);
    assert_eq!(code, Some(2));
    assert!(misspelt.contains("did you mean GEN404_START_JUDGE_DRY_RUN?"), "{misspelt}");
    // It must not take away what helps to repair it.
    for line in [&["--help"][..], &["start-judge", "--help"], &["completions", "bash"]] {
        assert_eq!(said("GEN404_DRY_RUN", line).0, Some(0), "{line:?}");
        assert_eq!(said("GEN404_NONSENSE", line).0, Some(0), "{line:?}");
    }
}

#[test]
fn an_option_that_commands_do_not_share_stands_in_their_tables() {
    let home = Home::new();
    let line = ["judge", "--prompts-json", "none.json", "--image-dir-1", "1", "--image-dir-2", "2"];
    let said = |settings: &str| {
        std::fs::write(home.path().join("404-cli.toml"), settings).expect("the file is written");
        let output = home.run(&line);
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let on_top = said("dry-run = true");
    assert!(on_top.contains("404-cli.toml: `dry-run` stands on top") && on_top.contains("[judge]"), "{on_top}");
    assert!(said("\u{feff}[judge]\ndry-run = true").contains("none.json"));
}

#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
    let status = command.env_clear().arg("--help").stdout(writer).status().expect("it runs");
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_closed_stdout_ends_quietly() {
    let home = Home::new();
    let script = format!("'{}' completions bash | true", assert_cmd::cargo::cargo_bin!("404-cli").display());
    let output =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(home.path()).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn bash_completes_options_and_their_values() {
    let home = Home::new();
    let script = home.path().join("completion.bash");
    std::fs::write(&script, home.run(&["completions", "bash"]).stdout).expect("written");
    let completed = |words: &[&str]| {
        let (last, before) = words.split_last().expect("words");
        let ask = format!(
            "source '{}' && COMP_WORDS=(404-cli {}) && COMP_CWORD={} && _404__cli 404-cli '{last}' '{}' && \
             echo \"${{COMPREPLY[*]}}\"",
            script.display(),
            words.join(" "),
            words.len(),
            before.last().unwrap_or(&"404-cli"),
        );
        let output = std::process::Command::new("bash").args(["--norc", "-c", &ask]).output().ok()?;
        assert!(output.status.success(), "{}", transcript(&output));
        Some(String::from_utf8(output.stdout).expect("text").trim_end().to_owned())
    };
    let Some(commands) = completed(&["commit-"]) else {
        gen404_testing::skipped("bash");
        return;
    };
    assert_eq!(commands, "commit-hash commit-repo-cdn");
    assert_eq!(completed(&["list-all", "--ta"]).as_deref(), Some("--table"));
    assert_eq!(completed(&["pods", "logs", "--fol"]).as_deref(), Some("--follow"));
    assert_eq!(completed(&["commit-hash", "--wait", "fin"]).as_deref(), Some("finalized"));
}

#[test]
fn completions_and_man_pages_name_every_command() {
    let home = Home::new();
    let man = String::from_utf8(home.run(&["man"]).stdout).expect("text");
    let help = String::from_utf8(home.run(&["--help"]).stdout).expect("text");
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(home.run(&["completions", shell]).stdout).expect("text");
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        for line in commands.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   ")) {
            let name = line.split_whitespace().next().expect("a command");
            assert!(script.contains(name), "{shell} completions lack {name}");
            assert!(man.contains(&name.replace('-', "\\-")), "the man page lacks {name}");
        }
    }
}
