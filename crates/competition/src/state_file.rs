//! Every file of the state repository that is read, its path, and how large it may be.
//! A path is made of numbers and checked hotkeys only. The pool of all prompts, six megabytes, is not among them.

use gen404_round::Hotkey;

use crate::RoundNumber;
use crate::files::Stage;

/// A file of the state repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateFile {
    /// `state.json`: the current round and its stage.
    State,
    /// `config.json`: the rules in numbers.
    Config,
    /// `leader.json`: all leaders so far.
    Leader,
    /// A file of a round.
    Round(RoundNumber, RoundFile),
    /// A file of a player in a round.
    Player(RoundNumber, Player, PlayerFile),
}

/// A file in `rounds/{n}/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoundFile {
    /// `schedule.json`: the blocks of the round.
    Schedule,
    /// `seed.json`: the seed of prompts and generation.
    Seed,
    /// `prompts.txt`: the prompts of the round.
    Prompts,
    /// `submissions.json`: who takes part.
    Submissions,
    /// `builds.json`: what became of the images.
    Builds,
    /// `require_audit.json`: whose regeneration was requested.
    RequireAudit,
    /// `generation_reports.json`: how the regenerations went.
    GenerationReports,
    /// `generation_audits.json`: the published verdicts.
    GenerationAudits,
    /// `source_audit.json`: the source auditor's verdicts.
    SourceAudit,
    /// `matches_matrix.csv`: margins between submissions.
    Matches,
    /// `audit_matrix.csv`: margins of regenerated outputs.
    Audits,
    /// `winner.json`: who won.
    Winner,
}

/// Whose folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Player {
    /// The leader's, for the round's prompts.
    Leader,
    /// A miner's.
    Miner(Hotkey),
}

/// The left side of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opponent {
    /// The leader.
    Leader,
    /// What the audited miner itself submitted.
    Submitted,
    /// A defender.
    Miner(Hotkey),
}

/// A file in `rounds/{n}/{hotkey}/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlayerFile {
    /// `submitted.json`: what was fetched from the miner.
    Submitted,
    /// `generated_{r}.json`: what its code made in a repeat.
    Generated(u32),
    /// `duels_{left}.json`: the match against a defender.
    Duels(Opponent),
    /// `audit_{left}_{r}.json`: the audit match of a repeat.
    Audit(Opponent, u32),
    /// `pod_stats.json`: how long its pods took.
    PodStats,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

impl StateFile {
    /// Its path inside the repository.
    pub fn path(self) -> String {
        match self {
            Self::State => "state.json".to_owned(),
            Self::Config => "config.json".to_owned(),
            Self::Leader => "leader.json".to_owned(),
            Self::Round(round, file) => format!("rounds/{round}/{}", file.name()),
            Self::Player(round, player, file) => format!("rounds/{round}/{}/{}", player.folder(), file.name()),
        }
    }

    /// The largest size that is read, well above anything seen.
    pub fn limit(self) -> usize {
        match self {
            Self::State | Self::Config => 64 * KIB,
            Self::Leader => 2 * MIB,
            Self::Round(_, file) => match file {
                RoundFile::Schedule | RoundFile::Seed | RoundFile::Winner => 64 * KIB,
                RoundFile::Prompts | RoundFile::RequireAudit | RoundFile::SourceAudit | RoundFile::GenerationAudits => {
                    MIB
                }
                RoundFile::Submissions
                | RoundFile::Builds
                | RoundFile::GenerationReports
                | RoundFile::Matches
                | RoundFile::Audits => 4 * MIB,
            },
            Self::Player(_, _, file) => match file {
                PlayerFile::Submitted | PlayerFile::Generated(_) | PlayerFile::PodStats => 2 * MIB,
                PlayerFile::Duels(_) | PlayerFile::Audit(_, _) => 8 * MIB,
            },
        }
    }
}

impl RoundFile {
    /// Whether the current round must have the file in this stage. Any other file that is not there is not written yet.
    pub fn is_due(self, stage: &Stage) -> bool {
        match self {
            Self::Schedule => *stage != Stage::Finished,
            // A round that nobody takes part in has none of these, and goes from open to finalizing at once.
            Self::Seed | Self::Prompts | Self::Submissions => {
                matches!(stage, Stage::MinerGeneration | Stage::Downloading | Stage::Duels)
            }
            Self::Builds
            | Self::RequireAudit
            | Self::GenerationReports
            | Self::GenerationAudits
            | Self::SourceAudit
            | Self::Matches
            | Self::Audits
            | Self::Winner => false,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule.json",
            Self::Seed => "seed.json",
            Self::Prompts => "prompts.txt",
            Self::Submissions => "submissions.json",
            Self::Builds => "builds.json",
            Self::RequireAudit => "require_audit.json",
            Self::GenerationReports => "generation_reports.json",
            Self::GenerationAudits => "generation_audits.json",
            Self::SourceAudit => "source_audit.json",
            Self::Matches => "matches_matrix.csv",
            Self::Audits => "audit_matrix.csv",
            Self::Winner => "winner.json",
        }
    }
}

impl Player {
    fn folder(self) -> String {
        match self {
            Self::Leader => "leader".to_owned(),
            Self::Miner(hotkey) => hotkey.to_string(),
        }
    }
}

impl Opponent {
    /// How files name it: the first ten characters.
    fn short(self) -> String {
        match self {
            Self::Leader => "leader".to_owned(),
            Self::Submitted => "submitted".to_owned(),
            Self::Miner(hotkey) => hotkey.to_string().chars().take(10).collect(),
        }
    }
}

impl PlayerFile {
    fn name(self) -> String {
        match self {
            Self::Submitted => "submitted.json".to_owned(),
            Self::Generated(repeat) => format!("generated_{repeat}.json"),
            Self::Duels(left) => format!("duels_{}.json", left.short()),
            Self::Audit(left, repeat) => format!("audit_{}_{repeat}.json", left.short()),
            Self::PodStats => "pod_stats.json".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_a_fault_only_where_it_is_due() {
        for (file, stage, is_due) in [
            (RoundFile::Schedule, Stage::Open, true),
            (RoundFile::Submissions, Stage::Open, false),
            (RoundFile::Submissions, Stage::MinerGeneration, true),
            (RoundFile::Submissions, Stage::Finalizing, false),
            (RoundFile::SourceAudit, Stage::Duels, false),
        ] {
            assert_eq!(file.is_due(&stage), is_due, "{file:?} {stage:?}");
        }
    }

    #[test]
    fn paths_are_those_of_the_repository() {
        let hotkey: Hotkey = "5HNDiJk6vERdjof7SnZGiZXMEotLfbN2H7j4ZTs8M31fMA8g".parse().expect("a hotkey");
        let miner = Player::Miner(hotkey);
        let folder = "rounds/51/5HNDiJk6vERdjof7SnZGiZXMEotLfbN2H7j4ZTs8M31fMA8g";
        for (file, path) in [
            (StateFile::State, "state.json".to_owned()),
            (StateFile::Round(51, RoundFile::Matches), "rounds/51/matches_matrix.csv".to_owned()),
            (
                StateFile::Player(51, Player::Leader, PlayerFile::Generated(1)),
                "rounds/51/leader/generated_1.json".to_owned(),
            ),
            (StateFile::Player(51, miner, PlayerFile::Duels(Opponent::Leader)), format!("{folder}/duels_leader.json")),
            (
                StateFile::Player(51, miner, PlayerFile::Duels(Opponent::Miner(hotkey))),
                format!("{folder}/duels_5HNDiJk6vE.json"),
            ),
            (
                StateFile::Player(51, miner, PlayerFile::Audit(Opponent::Submitted, 2)),
                format!("{folder}/audit_submitted_2.json"),
            ),
        ] {
            assert_eq!(file.path(), path);
        }
    }
}
