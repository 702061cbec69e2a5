//! A round from its first block to the next, step by step, without a clock.

use parity_scale_codec::Encode as _;
use serde_json::{Value, json};

use super::*;
use gen404_devchain::{Lock, Neuron, PastReveals};

const COMMIT: &str = "5b1e56b263464daec34aae0ce9fee7c609a4eb07";

#[derive(Debug)]
struct Padded;

impl Pipeline for Padded {
    fn module(&self, stem: &str, _seed: u64, quality: Quality) -> Option<String> {
        // One prompt is more than this pipeline can do.
        let size = if quality == Quality::Coarse { 100 } else { 1_000 };
        (stem != "p9").then(|| "x".repeat(size))
    }
}

fn rules() -> Rules {
    Rules {
        window: 20,
        generation: 10,
        prompts: 8,
        carryover: 2,
        win_margin: 0.07,
        required_lock: 100,
        block_time: 12.0,
        pool: (0..24).map(|number| format!("http://h/p{number}.png")).collect(),
        outputs: "http://o/".to_owned(),
        pipeline: Box::new(Padded),
    }
}

fn key(number: u8) -> AccountId {
    AccountId([number; 32])
}

/// Hotkeys 1 to 9, each with a coldkey and lock of its own.
fn subnet(reveals: &[(u8, u64)]) -> Snapshot {
    let payload = |number: u8| {
        let repo = format!("owner-{number}/pipeline");
        format!(r#"{{"repo":"{repo}","commit":"{COMMIT}","cdn_url":"http://cdn/{number}/"}}"#).encode()
    };
    let lock = |number: u8| Lock { coldkey: key(100 + number), locked_mass: 100, conviction_bits: 0, last_update: 1 };
    Snapshot {
        block: 0,
        neurons: (1..10).map(|number| Neuron { hotkey: key(number), coldkey: key(100 + number) }).collect(),
        reveals: reveals
            .iter()
            .map(|(number, block)| PastReveals { hotkey: key(*number), reveals: vec![(payload(*number), *block)] })
            .collect(),
        locks: (1..10).map(lock).collect(),
    }
}

/// Somebody who plays the chain and the network.
struct Play {
    organisers: Organisers,
    subnet: Snapshot,
    block: u64,
    /// Bytes of each module that a hotkey has; without an entry its CDN answers 404.
    modules: Vec<(AccountId, usize)>,
}

fn facts(block: u64, subnet: &dyn Fn() -> Snapshot, arrived: Vec<Arrival>) -> Facts<'_> {
    let time = Timestamp::from_second(1_790_000_000 + i64::try_from(block).expect("small") * 12).expect("a time");
    Facts { block, time, seed: 579_720_909, subnet, arrived }
}

impl Play {
    fn new(reveals: &[(u8, u64)], modules: &[(u8, usize)]) -> Self {
        let subnet = subnet(reveals);
        let organisers = Organisers::new(rules(), 5, &facts(4, &|| subnet.clone(), Vec::new()));
        let modules = modules.iter().map(|(number, size)| (key(*number), *size)).collect();
        Self { organisers, subnet, block: 4, modules }
    }

    fn step(&mut self) {
        self.block += 1;
        let deliver = |Order { hotkey, stem, url }| {
            assert!(url.ends_with(&format!("/{stem}.js")) && !url.contains("//p"), "{url}");
            let size = self.modules.iter().find(|(known, _)| *known == hotkey).map(|(_, size)| *size);
            let module = size.map(|size| vec![b'y'; size].into()).ok_or("js_fetch_failed: HTTP 404".to_owned());
            Arrival { hotkey, stem, module }
        };
        let arrived = self.organisers.orders().into_iter().map(deliver).collect();
        self.organisers.step(facts(self.block, &|| self.subnet.clone(), arrived));
    }

    fn to(&mut self, block: u64) {
        while self.block < block {
            self.step();
        }
    }

    fn until(&mut self, stage: &str) {
        for _ in 0..200 {
            if self.stage() == stage {
                return;
            }
            self.step();
        }
        panic!("{stage} never came");
    }

    fn text(&self, path: &str) -> Option<String> {
        let page = self.organisers.files().get(&format!("state/{path}"))?;
        Some(String::from_utf8(page.body.to_vec()).expect("text"))
    }

    fn json(&self, path: &str) -> Value {
        let text = self.text(path).unwrap_or_else(|| panic!("{path} is there"));
        serde_json::from_str(&text).expect("JSON")
    }

    fn stage(&self) -> String {
        self.json("state.json")["stage"].as_str().expect("a name").to_owned()
    }
}

#[test]
fn stages_change_with_the_exact_blocks() {
    let mut play = Play::new(&[(1, 24), (2, 25)], &[]);
    assert_eq!(
        play.json("rounds/1/schedule.json"),
        json!({"earliest_reveal_block": 5, "latest_reveal_block": 24, "generation_deadline_block": 34})
    );
    let eta = |play: &Play| play.json("state.json")["next_stage_eta"].as_str().map(str::to_owned);
    assert_eq!(eta(&play).expect("a time").len(), "2026-10-10T08:00:00Z".len());
    play.to(23);
    assert_eq!((play.stage().as_str(), play.text("rounds/1/submissions.json")), ("open", None));
    play.to(24);
    assert_eq!(play.stage(), "miner_generation");
    assert_eq!(eta(&play).expect("a time").len(), "2026-10-10T12:00:49.018427Z".len());
    let submissions = play.json("rounds/1/submissions.json");
    assert_eq!(submissions.as_object().map(serde_json::Map::len), Some(1), "25 is a block too late: {submissions}");
    play.to(33);
    assert_eq!(play.stage(), "miner_generation");
    play.to(34);
    assert_eq!((play.stage().as_str(), eta(&play)), ("downloading", None));
}

#[test]
fn files_have_the_form_of_the_real_ones() {
    let mut play = Play::new(&[(1, 10)], &[]);
    play.to(24);
    let hotkey = key(1);
    let expected = format!(
        "{{\n  \"{hotkey}\": {{\n    \"repo\": \"owner-1/pipeline\",\n    \"commit\": \"{COMMIT}\",\n    \"cdn_url\": \
         \"http://cdn/1\",\n    \"revealed_at_block\": 10,\n    \"round\": \"sandbox-1\",\n    \"hardware\": [\n      \
         \"4xH200\"\n    ]\n  }}\n}}"
    );
    assert_eq!(play.text("rounds/1/submissions.json"), Some(expected));
    assert_eq!(play.text("rounds/1/seed.json").as_deref(), Some("{\"seed\": 579720909}"));
    let lines = |round: u32| {
        let text = play.text(&format!("rounds/{round}/prompts.txt")).expect("there");
        text.split('\n').map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, now) = (lines(0), lines(1));
    assert_eq!((before.len(), now.len()), (8, 8));
    assert_eq!(now[..2].iter().collect::<Vec<_>>(), gen404_round::python::sample(579_720_909, &before, 2));
    let keys = |path: &str| {
        let text = play.text(path).expect("there");
        let names =
            text.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\":").map(|found| found.0));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        keys("config.json")[5..9],
        ["generation_stage_minutes", "finalization_buffer_hours", "win_margin", "weight_decay"]
    );
    assert!(play.text("config.json").is_some_and(|text| text.ends_with("}\n")));
    assert_eq!(keys("rounds/1/builds.json")[4..], ["hardware", "tag", "status", "docker_image"]);
    assert_eq!(play.json("rounds/1/builds.json")[hotkey.to_string()]["status"], "pending");
    assert_eq!(play.json("leader.json")[0]["repo"], "no-repo/no-repo");
}

#[test]
fn files_arrive_in_steps_and_the_better_one_wins() {
    // The second one delivers nothing, the third one has what the leader has.
    let mut play = Play::new(&[(1, 12), (2, 11), (3, 10)], &[(1, 500), (3, 105)]);
    play.until("downloading");
    let [first, second, third] = [1, 2, 3].map(|number| key(number).to_string());
    play.step();
    let submitted = |play: &Play, hotkey: &str| play.json(&format!("rounds/1/{hotkey}/submitted.json"));
    assert_eq!(submitted(&play, &first).as_object().map(serde_json::Map::len), Some(2), "the rest is on its way");
    play.until("duels");
    let all = submitted(&play, &second);
    let reasons: Vec<_> = all.as_object().expect("a map").values().map(|output| &output["failure_reason"]).collect();
    assert_eq!(reasons, [&json!("js_fetch_failed: HTTP 404"); 8]);
    let one = &submitted(&play, &first);
    let (stem, output) = one.as_object().and_then(|all| all.iter().next()).expect("one");
    let path = format!("rounds/1/{first}/submitted/{stem}.js");
    assert_eq!(*output, json!({"js": format!("http://o/{path}"), "views": null, "failure_reason": null, "size": 500}));
    assert!(play.organisers.files().get(&format!("outputs/{path}")).is_some());
    assert!(play.text("rounds/1/leader/generated_1.json").is_some());
    assert_eq!(play.text("rounds/1/matches_matrix.csv"), None);
    play.step();
    let header = "left,right,margin\n";
    // Larger by a twentieth is a draw; only a prompt that the leader has failed is won.
    let drawn = if play.json("rounds/1/leader/generated_1.json").get("p9").is_some() { "0.125" } else { "0.0" };
    assert_eq!(play.text("rounds/1/matches_matrix.csv"), Some(format!("{header}leader,{third},{drawn}")));
    play.until("finalizing");
    let matrix = play.text("rounds/1/matches_matrix.csv").expect("there");
    assert!(matrix.contains(&format!("\nleader,{second},-1.0\nleader,{first},1.0")), "{matrix}");
    assert_eq!(play.text(&format!("rounds/1/{second}/duels_leader.json")), None, "nobody judges a walk-over");
    let report = play.json(&format!("rounds/1/{first}/duels_leader.json"));
    assert_eq!((&report["score"], &report["duels"][0]["winner"]), (&json!(8), &json!("right")));
    assert_eq!(play.json("rounds/1/winner.json")["winner_hotkey"], first);
    assert_eq!(play.json("rounds/1/generation_audits.json")[&first]["verdict"], "passed");
    let audits = play.text("rounds/1/audit_matrix.csv").expect("there");
    assert!(audits.contains(&format!("\nsubmitted_3,{first},0.0")), "{audits}");
    play.until("open");
    assert_eq!(play.json("state.json")["current_round"], 2);
    assert_eq!(
        play.json("rounds/2/schedule.json"),
        json!({"earliest_reveal_block": 25, "latest_reveal_block": 50, "generation_deadline_block": 60}),
        "a window that would be over too soon closes later"
    );
    let leader = &play.json("leader.json")[2];
    assert_eq!(
        (&leader["hotkey"], &leader["weight"], &leader["effective_block"]),
        (&json!(first), &json!(1.0), &json!(50))
    );
    assert!(play.organisers.files().get(&format!("outputs/{path}")).is_some(), "the outputs stay for a while");
}

#[test]
fn a_round_without_submissions_ends_at_once_and_the_leader_stays() {
    let mut play = Play::new(&[(1, 4), (20, 10)], &[]);
    play.to(24);
    assert_eq!(play.stage(), "finalizing");
    assert_eq!(play.text("rounds/1/seed.json"), None);
    assert_eq!(play.json("rounds/1/left_out.json"), json!({key(20).to_string(): "not registered on the subnet"}));
    play.step();
    assert_eq!(play.json("rounds/1/winner.json")["winner_hotkey"], "leader");
    assert_eq!(play.json("state.json")["current_round"], 2);
    assert_eq!(play.json("leader.json").as_array().map(Vec::len), Some(2));
}
