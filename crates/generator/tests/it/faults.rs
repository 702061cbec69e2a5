//! A round with one thing going wrong: no file lost or half-written, none that is foreign, and a second run finishes.

use std::time::Duration;

use gen404_generator::{BatchError, Limits, Summary};
use gen404_sandbox::faults::Rule;
use gen404_sandbox::generator::faults::Fault;

use crate::bench::{Bench, ROUND, quick};

/// How a first run may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Everything there: the fault was overcome.
    Whole,
    /// This many stems without a file; the run went to its end.
    Missing(usize),
    /// This many stems that the service failed.
    Failed(usize),
    /// The run was stopped.
    Stopped,
}

fn expected(fault: Fault) -> End {
    match fault {
        Fault::Replace | Fault::EndlessGenerating => End::Stopped,
        Fault::ZipBomb
        | Fault::PathTraversal
        | Fault::AbsolutePath
        | Fault::SymbolicLink
        | Fault::DuplicateNames
        | Fault::MissingStems => End::Missing(1),
        Fault::ManyEntries | Fault::EmptyArchive => End::Missing(32),
        Fault::StemInBoth => End::Failed(1),
        Fault::AllFailed => End::Failed(32),
        Fault::SlowWarmUp
        | Fault::ServerErrors
        | Fault::LostReply
        | Fault::SlowReply
        | Fault::Busy
        | Fault::NestedBusy
        | Fault::TextBusy
        | Fault::SilentRefusal
        | Fault::RateLimited
        | Fault::CutDownload
        | Fault::CorruptZip
        | Fault::WrongContentType
        | Fault::ForeignBatch
        | Fault::LargeModules
        | Fault::ForbiddenName => End::Whole,
    }
}

fn end(summary: &Summary) -> End {
    match (&summary.stopped_by, summary.missing.len(), summary.failed.len()) {
        (Some(_), ..) => End::Stopped,
        (None, 0, 0) => End::Whole,
        (None, missing, 0) => End::Missing(missing),
        (None, _, failed) => End::Failed(failed),
    }
}

/// Everything below a folder but our own corner in `results`.
fn tree(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != ".404-cli" {
                found.extend(tree(&entry.path()));
            }
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

async fn round_with(fault: Fault) {
    let honest = Bench::new().await;
    honest.run(&honest.request(ROUND)).await;
    let good = honest.files();

    let bench = Bench::new().await;
    let pictures = tree(bench.folder.path());
    let mut request = bench.request(ROUND);
    match fault {
        Fault::EndlessGenerating => {
            bench.generator.faults().add(fault);
            request.limits = Limits { batch: Duration::from_millis(80), ready: Duration::from_millis(80), ..quick() };
        }
        Fault::ServerErrors | Fault::SlowWarmUp => bench.generator.faults().add(Rule::times(fault, 3)),
        _ => bench.generator.faults().add(Rule::times(fault, 1)),
    }
    let (summary, log) = bench.run(&request).await;
    assert_eq!(end(&summary), expected(fault), "{fault:?}: {:?}\n{}", summary.stopped_by, log.all());
    assert_eq!(summary.generated.len() + summary.failed.len() + summary.missing.len(), ROUND);
    let first = bench.files();
    assert_eq!(first.len(), summary.generated.len(), "{fault:?}");
    for (name, module) in &first {
        assert!(summary.generated.iter().any(|stem| *name == format!("{stem}.js")), "{fault:?}: {name} is foreign");
        let longer = matches!(fault, Fault::LargeModules | Fault::ForbiddenName);
        let whole = if longer { module.starts_with(&good[name]) } else { *module == good[name] };
        assert!(whole, "{fault:?}: {name} is not whole");
    }
    let results = bench.results();
    let outside: Vec<_> = tree(bench.folder.path()).into_iter().filter(|path| !path.starts_with(&results)).collect();
    assert_eq!(outside, pictures, "{fault:?}: something was written outside");

    bench.generator.faults().clear();
    let (summary, log) = bench.run(&bench.request(ROUND)).await;
    assert!(summary.is_complete(), "{fault:?}, second run: {:?}\n{}", summary.stopped_by, log.all());
    assert_eq!(summary.kept.len(), first.len(), "{fault:?}");
    let second = bench.files();
    assert!(second.keys().eq(good.keys()), "{fault:?}");
    if !matches!(fault, Fault::LargeModules | Fault::ForbiddenName) {
        assert_eq!(second, good, "{fault:?}");
    }
}

macro_rules! rounds {
    ($($name:ident: $fault:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            round_with(Fault::$fault).await;
        })*

        #[test]
        fn every_fault_has_its_round() {
            assert_eq!(Fault::ALL, [$(Fault::$fault),*]);
        }
    };
}

rounds! {
    slow_warm_up: SlowWarmUp,
    replace: Replace,
    endless_generating: EndlessGenerating,
    server_errors: ServerErrors,
    lost_reply: LostReply,
    slow_reply: SlowReply,
    busy: Busy,
    nested_busy: NestedBusy,
    text_busy: TextBusy,
    silent_refusal: SilentRefusal,
    rate_limited: RateLimited,
    cut_download: CutDownload,
    corrupt_zip: CorruptZip,
    wrong_content_type: WrongContentType,
    zip_bomb: ZipBomb,
    path_traversal: PathTraversal,
    absolute_path: AbsolutePath,
    symbolic_link: SymbolicLink,
    duplicate_names: DuplicateNames,
    many_entries: ManyEntries,
    missing_stems: MissingStems,
    stem_in_both: StemInBoth,
    all_failed: AllFailed,
    empty_archive: EmptyArchive,
    foreign_batch: ForeignBatch,
    large_modules: LargeModules,
    forbidden_name: ForbiddenName,
}

#[tokio::test]
async fn a_service_that_stays_broken_is_given_up_with_the_reason() {
    let bench = Bench::new().await;
    let request = bench.request(4);
    bench.generator.faults().add(Fault::CutDownload);
    let (summary, _) = bench.run(&request).await;
    assert!(matches!(summary.stopped_by, Some(BatchError::Client(_))), "{:?}", summary.stopped_by);
    assert_eq!((summary.missing.len(), bench.files().len()), (4, 0));

    bench.generator.faults().clear();
    let (summary, log) = bench.run(&request).await;
    assert!(summary.is_complete() && log.all().contains("resumed: true"), "{}", log.all());

    bench.generator.faults().add(Fault::ServerErrors);
    let mut request = bench.request(5);
    request.limits.start = Duration::from_millis(30);
    let (summary, _) = bench.run(&request).await;
    assert!(
        matches!(summary.stopped_by, Some(BatchError::NotReady { source: Some(_), .. })),
        "{:?}",
        summary.stopped_by
    );
    assert_eq!((summary.kept.len(), summary.missing.len()), (4, 1));
}

#[tokio::test]
async fn text_of_the_service_comes_with_its_reason() {
    let bench = Bench::new().await;
    bench.generator.faults().add(Rule::times(Fault::AllFailed, 1));
    let (summary, log) = bench.run(&bench.request(2)).await;
    assert!(summary.failed.values().all(|reason| reason.starts_with("out of ideas")), "{}", log.all());
    bench.generator.faults().add(Rule::times(Fault::Replace, 1));
    let (summary, _) = bench.run(&bench.request(2)).await;
    assert!(summary.stopped_by.unwrap().to_string().contains("out of memory"));
}

#[tokio::test]
async fn what_was_saved_before_the_end_is_accounted_for() {
    let bench = Bench::new().await;
    bench.generator.faults().add(Rule::times(Fault::CorruptZip, 1));
    bench.generator.faults().add(Fault::CutDownload);
    let (summary, log) = bench.run(&bench.request(8)).await;
    assert!(summary.stopped_by.is_some() && !summary.generated.is_empty(), "{}", log.all());
    assert_eq!(summary.generated.len() + summary.missing.len(), 8);
    assert_eq!(bench.files().len(), summary.generated.len());
}
