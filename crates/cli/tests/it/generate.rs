//! `generate` as a user runs it: what it prints, how it exits, what a killed run leaves, what hostile archives cost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gen404_sandbox::cdn::Cdn;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::generator::faults::Fault;
use gen404_sandbox::generator::{Options, Quality, SampleGenerator};
use serde_json::{Value, json};

use crate::binary::{Home, transcript};

/// The binary next to a sample generator.
struct Stage {
    runtime: tokio::runtime::Runtime,
    generator: SampleGenerator,
    cdn: Cdn,
    home: Home,
}

impl Stage {
    fn new() -> Self {
        Self::with(&Options::default())
    }

    fn with(options: &Options) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let home = Home::new();
        let pictures = home.path().join("pictures");
        std::fs::create_dir(&pictures).expect("a folder");
        std::fs::write(pictures.join("lamp.png"), include_bytes!("../data/red-square.png")).expect("a picture");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let options = Options { quality: Quality::Coarse, ..options.clone() };
        let cdn = runtime.block_on(Cdn::start(&pictures)).expect("a CDN");
        let generator = runtime.block_on(SampleGenerator::start(options)).expect("a generator");
        Self { runtime, generator, cdn, home }
    }

    /// Writes a prompts file and returns the arguments of a run over it.
    fn prompts(&self, count: usize) -> Vec<String> {
        let image_url = self.cdn.url().join("lamp.png").expect("a URL");
        let prompts: Vec<_> =
            (0..count).map(|number| json!({"stem": format!("p{number:03}"), "image_url": image_url})).collect();
        let text = json!({"prompts": prompts, "seed": 7}).to_string();
        std::fs::write(self.home.path().join("prompts.json"), text).expect("a prompts file");
        let arguments = ["generate", "--prompts-json", "prompts.json", "--endpoint", self.generator.url().as_str()];
        arguments.map(str::to_owned).to_vec()
    }

    fn run(&self, arguments: &[String]) -> Output {
        self.home.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Starts the binary without waiting for it.
    fn spawn(&self, arguments: &[String]) -> Child {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
        command.env_clear().env("HOME", self.home.path()).current_dir(self.home.path()).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts")
    }

    /// Every file of an output folder but our own corner.
    fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let Ok(entries) = std::fs::read_dir(self.home.path().join(folder)) else { return BTreeMap::new() };
        let names = entries.map(|entry| entry.expect("an entry").path()).filter(|path| !path.ends_with(".404-cli"));
        names.map(|path| (path.file_name().expect("a name").into(), std::fs::read(&path).expect("a file"))).collect()
    }
}

fn result(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    assert_eq!(text.lines().count(), 1, "{}", transcript(output));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_success_is_one_json_object_with_the_summary() {
    let stage = Stage::new();
    let arguments = stage.prompts(40);
    let output = stage.run(&arguments);
    let summary = r#"{"success":true,"generated":40,"failed":{},"missing":{},"kept":0,"seed":7,"output_folder":"results","generation_seconds":"#;
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(summary), "{}", transcript(&output));
    assert_eq!(result(&output)["generation_limit_seconds"], json!(7_200));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("batch 2 of 2: 8 prompts sent") && said.contains("40/40"), "{said}");
    assert_eq!(stage.files("results").len(), 40);

    let again = stage.run(&arguments);
    assert_eq!((result(&again)["generated"].clone(), result(&again)["kept"].clone()), (json!(0), json!(40)));
}

#[test]
fn modules_that_the_subnet_would_refuse_are_asked_for_again() {
    let stage = Stage::new();
    let arguments = [stage.prompts(3), vec!["--validate".to_owned()]].concat();
    // one refused module, which is good the second time
    stage.generator.faults().add(Rule::times(Fault::ForbiddenName, 1));
    let output = stage.run(&arguments);
    let summary = result(&output);
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
    assert_eq!((&summary["generated"], &summary["kept"], &summary["invalid"]), (&json!(3), &json!(0), &json!({})));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("p000.js would be refused: FORBIDDEN_IDENTIFIER: Date at line"), "{said}");
    let aside = std::fs::read_to_string(stage.home.path().join("results/.404-cli/refused/p000.js")).expect("kept");
    let good = std::fs::read_to_string(stage.home.path().join("results/p000.js")).expect("made again");
    assert!(aside.starts_with(&good) && aside.contains("Date") && !good.contains("Date"));

    // and one that is no better then
    stage.generator.faults().add(Fault::ForbiddenName);
    let again = stage.run(&[arguments, vec!["--force".to_owned()]].concat());
    assert_eq!(again.status.code(), Some(1), "{}", transcript(&again));
    let failure = result(&again);
    assert_eq!(failure["invalid"].as_object().map(serde_json::Map::len), Some(1), "{failure}");
    assert!(
        failure["error"].as_str().expect("a sentence").starts_with("the subnet would refuse 1 of 3 modules: p000 (")
    );
    assert_eq!((&failure["generated"], &failure["kept"]), (&json!(3), &json!(0)));
}

#[test]
fn exit_codes_tell_who_is_to_blame() {
    let stage = Stage::new();
    let arguments = stage.prompts(3);
    stage.generator.faults().add(Rule::times(Fault::AllFailed, 1));
    let failed = stage.run(&arguments);
    assert_eq!(failed.status.code(), Some(1), "{}", transcript(&failed));
    assert_eq!(result(&failed)["failed"].as_object().map(serde_json::Map::len), Some(3));
    let printed = [failed.stdout, failed.stderr].concat();
    assert!(!printed.contains(&0x1b), "an escape of the service reached the terminal");

    // One download to see what the generator still holds, one to collect.
    stage.generator.faults().add(Rule::times(Fault::PathTraversal, 2));
    let missing = stage.run(&arguments);
    assert_eq!(missing.status.code(), Some(3), "{}", transcript(&missing));
    let said = result(&missing);
    assert_eq!((said["success"].clone(), said["generated"].clone()), (json!(false), json!(2)));
    assert!(
        said["error"].as_str().is_some_and(|error| error.starts_with("1 of 3 prompts have no file: p000 (")),
        "{said}"
    );

    stage.generator.faults().add(Rule::times(Fault::Replace, 1));
    let replace = stage.run(&arguments);
    assert_eq!(replace.status.code(), Some(3));
    assert!(result(&replace)["hint"].as_str().is_some_and(|hint| hint.contains("another machine")));

    let whole = stage.run(&arguments);
    assert_eq!((whole.status.code(), stage.files("results").len()), (Some(0), 3));
}

#[test]
fn wrong_usage_is_refused_before_anything_is_sent_or_written() {
    let stage = Stage::new();
    stage.generator.faults().add(Rule::times(Fault::ServerErrors, 1));
    let good = stage.prompts(1);
    let with = |at: usize, value: &str| {
        let mut arguments = good.clone();
        value.clone_into(&mut arguments[at]);
        arguments
    };
    let write = |name: &str, text: &str| std::fs::write(stage.home.path().join(name), text).expect("written");
    write("path.json", r#"{"prompts":[{"stem":"../a","image_url":"http://h/a.png"}]}"#);
    write("shape.json", r#"[{"image_url":"http://h/a.png"}]"#);
    write("local.json", r#"{"prompts":[{"image_url":"pictures/lamp.png"}]}"#);
    let elsewhere = ["generate", "--prompts-json", "local.json", "--endpoint", "https://me:s3cret@pod.example.com"];
    let cases = [
        with(2, "none.json"),
        with(2, "path.json"),
        with(2, "shape.json"),
        with(4, "localhost:10006"),
        elsewhere.map(str::to_owned).to_vec(),
        [&good[..], &["--batch-size=100".to_owned()]].concat(),
    ];
    for arguments in cases {
        let output = stage.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        assert_eq!(result(&output)["success"], json!(false));
        assert!(!transcript(&output).contains("s3cret"));
    }
    assert_eq!(stage.generator.faults().pending().len(), 1);
    assert!(!stage.home.path().join("results").exists());
}

#[test]
fn a_strange_stem_of_a_real_round_stops_no_other() {
    const UUID: &str = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";
    const HEX: &str = "22de4efc4723f624b92889e8c79c9b4fb903e8a6b5907c9f0727ede8f2ccab47";
    let stage = Stage::new();
    let pictures = stage.home.path().join("pictures");
    for name in [UUID, HEX] {
        std::fs::copy(pictures.join("lamp.png"), pictures.join(format!("{name}.png"))).expect("a picture");
    }
    // As the subnet publishes a round; the mark and the line ends are an editor's.
    let text = format!("\u{feff}{0}{HEX}.png\r\n{0}{UUID}.png\r\n", stage.cdn.url());
    std::fs::write(stage.home.path().join("prompts.txt"), text).expect("written");
    std::fs::write(stage.home.path().join("seed.json"), r#"{"seed": 579720909}"#).expect("written");
    let mut arguments = stage.prompts(1);
    "prompts.txt".clone_into(&mut arguments[2]);
    let output = stage.run(&arguments);
    assert_eq!(output.status.code(), Some(3), "{}", transcript(&output));
    let said = result(&output);
    assert_eq!((said["generated"].clone(), said["seed"].clone()), (json!(1), json!(579_720_909)));
    let reason = said["missing"][UUID].as_str().expect("a reason");
    assert!(reason.contains("should match pattern '^[a-z0-9]+$'"), "{said}");
    let hint = said["hint"].as_str().expect("a hint");
    assert!(hint.contains("not the prompts") && !hint.contains("rename"), "{said}");
    assert!(stage.files("results").keys().eq([Path::new(&format!("{HEX}.js"))]));
}

#[test]
fn local_pictures_reach_a_generator_of_this_machine() {
    let stage = Stage::new();
    let mut arguments = stage.prompts(1);
    let folder = stage.home.path().join("sub");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("local.json"), r#"{"prompts":[{"image_url":"../pictures/lamp.png"}]}"#)
        .expect("written");
    "sub/local.json".clone_into(&mut arguments[2]);
    let output = stage.run(&arguments);
    assert!(output.status.success(), "{}", transcript(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("seed 0"));
    assert!(stage.files("results").contains_key(Path::new("lamp.js")));
}

#[test]
fn an_interrupted_run_says_so() {
    let stage = Stage::with(&Options { warm_up: Duration::from_hours(1), ..Options::default() });
    let child = stage.spawn(&stage.prompts(1));
    // It listens for signals before it makes its folder.
    while !stage.home.path().join("results/.404-cli/generate.jsonl").exists() {
        std::thread::yield_now();
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(result(&output)["error"], json!("Interrupted by user"));
}

#[test]
fn killed_at_50_moments_a_rerun_completes_with_the_same_files() {
    let stage = Stage::new();
    let arguments = stage.prompts(64);
    let into =
        |folder: &str| [&arguments[..], &["--batch-size=16".to_owned(), format!("--output-folder={folder}")]].concat();
    let begin = Instant::now();
    assert!(stage.run(&into("whole")).status.success());
    let whole_run = begin.elapsed();
    let good = stage.files("whole");
    assert_eq!(good.len(), 64);
    let mut half_done = 0;
    for moment in 0_u32..50 {
        let folder = format!("killed-{moment}");
        let mut child = stage.spawn(&into(&folder));
        // Scattered over the time of a whole run (steps of the golden ratio).
        let share = (f64::from(moment) * 0.618_034).fract();
        std::thread::sleep(whole_run.mul_f64(share));
        child.kill().expect("SIGKILL");
        child.wait().expect("it is gone");
        let left = stage.files(&folder);
        half_done += u32::from((1..64).contains(&left.len()));
        for (name, module) in &left {
            assert_eq!(good.get(name), Some(module), "{} after the kill at {share:.2}", name.display());
        }
        let output = stage.run(&into(&folder));
        assert!(output.status.success(), "{}", transcript(&output));
        assert_eq!(stage.files(&folder), good, "after the kill at {share:.2}");
        let corner = std::fs::read_dir(stage.home.path().join(&folder).join(".404-cli")).expect("our corner");
        assert_eq!(corner.count(), 1, "only the journal stays");
    }
    assert!(half_done > 0, "no kill met a run with some files");
    drop(stage.runtime);
}

/// Most resident memory of a run in KiB.
#[cfg(target_os = "linux")]
fn peak(stage: &Stage, arguments: &[String]) -> (u64, Output) {
    let mut child = stage.spawn(arguments);
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let size = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = size.unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
    (peak, child.wait_with_output().expect("it has ended"))
}

#[cfg(target_os = "linux")]
#[test]
fn hostile_archives_cost_little_memory_and_write_nothing_outside() {
    let stage = Stage::new();
    let arguments = stage.prompts(40);
    let run = |fault: Option<Fault>, folder: &str| {
        stage.generator.faults().clear();
        if let Some(fault) = fault {
            stage.generator.faults().add(fault);
        }
        let arguments = [&arguments[..], &["--batch-size=40".to_owned(), format!("--output-folder={folder}")]].concat();
        peak(&stage, &arguments)
    };
    let (usual, _) = run(None, "results/a/b/usual");
    let (large, output) = run(Some(Fault::LargeModules), "results/a/b/large");
    assert!(output.status.success());
    let bytes: usize = stage.files("results/a/b/large").values().map(Vec::len).sum();
    assert!(bytes > 39 << 20, "40 modules of 1 MiB");
    assert!(large < usual + (16 << 10), "a large archive took {large} KiB, a small one {usual} KiB");

    let hostile = [
        Fault::ZipBomb,
        Fault::ManyEntries,
        Fault::PathTraversal,
        Fault::AbsolutePath,
        Fault::SymbolicLink,
        Fault::DuplicateNames,
    ];
    for (number, fault) in hostile.into_iter().enumerate() {
        let folder = format!("results/a/b/hostile-{number}");
        let (memory, output) = run(Some(fault), &folder);
        assert_eq!(output.status.code(), Some(3), "{fault:?}");
        assert!(memory < usual + (64 << 10), "{fault:?} took {memory} KiB, a good archive {usual} KiB");
        assert!(stage.files(&folder).len() < 40, "{fault:?}");
        assert!(!Path::new("/tmp/p000.js").exists());
    }
    for above in ["results", "results/a", "results/a/b"] {
        let files = std::fs::read_dir(stage.home.path().join(above)).expect("a folder");
        assert!(files.map(|entry| entry.expect("an entry")).all(|entry| entry.path().is_dir()), "a file in {above}");
    }
}
