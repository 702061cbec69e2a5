//! Matches whose pictures come when a stage asks for them: what is brought, and that nothing else is different.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use gen404_judge::{Brought, Concurrency, Failure, Match, NotBrought, Outcome, PictureSource, Plan, Presence, run};
use gen404_outside::explain::{Blame, Explain};
use gen404_round::Stem;
use gen404_round::duel::Side;
use tokio_util::sync::CancellationToken;

use crate::clock::StoppedClock;
use crate::flow::judge;
use crate::folders::{Folders, read_json};
use crate::model::Model;

/// Copies pictures from where they all are to where the judge reads them.
#[derive(Debug)]
struct Copier {
    from: [PathBuf; 2],
    to: [PathBuf; 2],
    brought: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// Objects without pictures from this file on.
    none: BTreeMap<&'static str, &'static str>,
    /// Objects that cannot be drawn, and whether nothing can.
    fails: BTreeMap<&'static str, bool>,
}

impl Copier {
    fn new(folders: &Folders) -> Self {
        let of = |name: &str| [folders.path(&format!("{name}left")), folders.path(&format!("{name}right"))];
        Self {
            from: of(""),
            to: of("brought-"),
            brought: Mutex::default(),
            none: BTreeMap::new(),
            fails: BTreeMap::new(),
        }
    }

    fn copy(&self, side: Side, stem: &Stem, name: &str) -> Result<Brought, NotBrought> {
        let key = format!("{}/{stem}", side.name());
        if self.none.get(&*key) == Some(&name) {
            return Ok(Brought::NoPictures);
        }
        if let Some(is_hopeless) = self.fails.get(&*key).copied() {
            let source = std::io::Error::other("the browser is gone").into();
            return Err(NotBrought {
                side,
                source,
                hint: Some("draw it again".to_owned()),
                blame: Blame::Service,
                is_hopeless,
            });
        }
        let path = |root: &PathBuf| root.join(stem.as_str()).join(name);
        let (from, to) = (path(&self.from[side as usize]), path(&self.to[side as usize]));
        if from.is_file() && !to.is_file() {
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            std::fs::copy(from, to).expect("copied");
            self.brought.lock().expect("nobody panicked").entry(key).or_default().insert(name.to_owned());
        }
        Ok(Brought::Ready)
    }
}

impl PictureSource for Copier {
    fn presence(&self, side: Side, stem: &Stem) -> Presence {
        let there = self.from[side as usize].join(stem.as_str()).is_dir();
        if there { Presence::OnDemand } else { Presence::Missing }
    }

    fn bring<'a>(
        &'a self,
        side: Side,
        stem: &'a Stem,
        names: &'a [String],
    ) -> BoxFuture<'a, Result<Brought, NotBrought>> {
        Box::pin(async move {
            for name in names {
                if self.copy(side, stem, name)? == Brought::NoPictures {
                    return Ok(Brought::NoPictures);
                }
            }
            Ok(Brought::Ready)
        })
    }
}

fn folders(stems: &[&str]) -> Folders {
    let folders = Folders::new();
    for stem in stems {
        folders.prompt(stem);
        folders.side("left", stem, "q2");
        folders.side("right", stem, "q6");
    }
    folders
}

fn contest(folders: &Folders, stems: &[&str]) -> Match {
    let [left, right] = ["left", "right"].map(|side| folders.path(&format!("brought-{side}")));
    Match { left, right, output: folders.path("on-demand"), ..folders.contest("official", stems) }
}

async fn judge_on_demand(folders: &Folders, stems: &[&str], copier: &Arc<Copier>, model: &Model) -> Outcome {
    let plan = Plan::with_source(contest(folders, stems), Arc::<Copier>::clone(copier), false);
    let at_once = Concurrency { duels: 1, requests: 8 };
    run(plan, model, &StoppedClock, at_once, &(), &CancellationToken::new()).await.expect("writes")
}

fn results(folders: &Folders, name: &str) -> serde_json::Value {
    read_json(&folders.path(&format!("{name}/duels.json")))["results"].clone()
}

#[tokio::test]
async fn a_duel_is_brought_what_its_stages_look_at_and_nothing_else() {
    let stems = ["clear", "drawn", "pale", "missing"];
    let folders = folders(&["clear"]);
    for stem in ["drawn", "pale"] {
        folders.prompt(stem);
        for side in ["left", "right"] {
            folders.side(side, stem, "q3");
            folders.gray(side, stem, if stem == "pale" { [250; 3] } else { [200, 0, 0] });
        }
    }
    folders.prompt("missing");
    folders.side("left", "missing", "q3");
    judge(folders.contest("official", &stems), &Model::sighted()).await;

    let copier = Arc::new(Copier::new(&folders));
    let outcome = judge_on_demand(&folders, &stems, &copier, &Model::sighted()).await;
    assert_eq!((outcome.judged, outcome.first_failure.is_none()), (4, true));
    assert_eq!(results(&folders, "on-demand"), results(&folders, "results"));
    let brought = copier.brought.lock().expect("nobody panicked").clone();
    let names = |key: &str| brought[key].iter().map(String::as_str).collect::<Vec<_>>();
    let fronts = ["front_above", "front_below", "front_left", "front_right"];
    let clear: Vec<String> =
        ["grid.png".to_owned()].into_iter().chain(fronts.map(|view| format!("white/{view}.png"))).collect();
    assert_eq!(names("left/clear"), clear);
    assert_eq!(names("right/clear"), clear);
    // Its four other sides, and the gray picture that is measured.
    assert_eq!(brought["left/drawn"].len(), 5 + 4 + 1);
    assert_eq!(brought["right/pale"].len(), 5 + 4 + 1);
    assert!(!brought.contains_key("left/missing"), "a duel without a challenger needs no picture");

    let silent = Model::scripted(|seen| panic!("{seen:?}"));
    let again = judge_on_demand(&folders, &stems, &copier, &silent).await;
    assert_eq!((again.file.results.len(), again.calls.calls), (4, 0), "nothing is judged twice");
    assert_eq!(*copier.brought.lock().expect("nobody panicked"), brought, "nothing is brought twice");
}

#[tokio::test]
async fn a_side_that_turns_out_to_have_no_pictures_loses() {
    let stems = ["a", "b", "c", "d"];
    let folders = folders(&["a", "b", "c"]);
    folders.prompt("d");
    folders.side("left", "d", "q3");
    folders.side("right", "d", "q3");
    let none =
        [("left/a", "grid.png"), ("right/b", "white/front_left.png"), ("left/c", "grid.png"), ("right/c", "grid.png")];
    // One that can be drawn from the front and not from behind.
    let late = [("right/d", "white/back.png")];
    let copier = Arc::new(Copier { none: none.into_iter().chain(late).collect(), ..Copier::new(&folders) });
    let model = Model::sighted();
    let outcome = judge_on_demand(&folders, &stems, &copier, &model).await;
    assert!(outcome.first_failure.is_none(), "{:?}", outcome.first_failure);
    let ends = outcome.file.results.iter().map(|record| {
        let detail = serde_json::to_value(&record.detail).expect("JSON");
        (record.winner.as_str(), detail["reason"].as_str().unwrap_or_default().to_owned())
    });
    let want = [
        ("right", "no preview from left"),
        ("left", "no preview from right"),
        ("draw", "no previews on either side"),
        ("left", "no preview from right"),
    ];
    assert_eq!(ends.collect::<Vec<_>>(), want.map(|(winner, reason)| (winner, reason.to_owned())));
    assert!(model.seen().iter().all(|seen| seen.pictures.iter().all(|picture| !picture.contains("prompt a"))));
}

#[tokio::test]
async fn what_could_not_be_drawn_is_no_defeat() {
    let stems = ["a", "b", "c"];
    for (is_hopeless, judged) in [(false, 2), (true, 1)] {
        let folders = folders(&stems);
        let copier = Arc::new(Copier { fails: [("right/b", is_hopeless)].into(), ..Copier::new(&folders) });
        let outcome = judge_on_demand(&folders, &stems, &copier, &Model::sighted()).await;
        assert!(!folders.path("on-demand/b.json").exists());
        assert_eq!(
            (outcome.judged, outcome.file.failures.len(), outcome.hint.as_deref()),
            (judged, 1, Some("draw it again"))
        );
        let failure = outcome.first_failure.expect("a failure");
        assert!(matches!(failure, Failure::Drawing { .. }) && failure.blame() == Blame::Service, "{failure}");
        assert!(
            outcome.file.failures[0].error.ends_with("could not be drawn: the browser is gone"),
            "{:?}",
            outcome.file.failures
        );

        let healed = Arc::new(Copier::new(&folders));
        let again = judge_on_demand(&folders, &stems, &healed, &Model::sighted()).await;
        assert_eq!((again.judged, again.file.results.len()), (3 - judged, 3));
    }
}
