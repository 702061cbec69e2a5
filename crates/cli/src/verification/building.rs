//! The repository of a submission: whether everybody can fetch the commit, and what in it costs or may cost the round.

use gen404_outside::explain::Explain as _;
use gen404_repository::{Finding, Limits, Origin, RepositoryError, Severity, fetch, inspect};
use gen404_round::CommitHash;
use serde::Serialize;
use url::Url;

use super::{Phase, Placed, Question, Verifier};

/// Where the subnet's builder gets repositories.
const PUBLIC_HOST: &str = "https://github.com/";

/// What came of looking at the repository.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Building {
    /// `fine`, `fails`, `missing` (the commit or the repository), or `unknown`.
    pub(crate) state: &'static str,
    /// Where it was read.
    pub(crate) origin: String,
    /// Whether that is a folder of this machine, which proves nothing about what others can read.
    pub(crate) local: bool,
    pub(crate) commit: String,
    pub(crate) files: Option<usize>,
    /// Tokens that the collector reads from `hardware.json`.
    pub(crate) hardware: Option<Vec<&'static str>>,
    /// The machine that outputs are verified on.
    pub(crate) verified_on: Option<&'static str>,
    pub(crate) findings: Vec<Finding>,
    /// Why nothing is known, or what is missing.
    pub(crate) reason: Option<String>,
    pub(crate) fix: Option<String>,
}

impl Building {
    /// Findings that make the build or the run fail.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Fail)
    }

    fn unread(origin: &str, local: bool, commit: &str, error: &RepositoryError) -> Self {
        Self {
            state: if error.is_an_answer() { "missing" } else { "unknown" },
            origin: origin.to_owned(),
            local,
            commit: commit.to_owned(),
            files: None,
            hardware: None,
            verified_on: None,
            findings: Vec::new(),
            reason: Some(error.sentence()),
            fix: error.hint().map(Into::into),
        }
    }
}

impl Verifier {
    /// Looks at the repository; `None` when no commit and place are known, which is told elsewhere.
    pub(super) async fn building(&self, placed: &Placed, question: &Question) -> Option<Building> {
        let commit = placed.revealed.commit.as_ref()?;
        // What was built needs no second look, unless somebody asks for one.
        if placed.phase == Phase::Over && question.repository.is_none() {
            return None;
        }
        let origin = match (&question.repository, &placed.revealed.repo) {
            (Some(origin), _) => Ok(origin.clone()),
            (None, Some(repo)) => Origin::public(&host(), repo),
            (None, None) => return None,
        };
        let Ok(hash) = commit.parse::<CommitHash>() else { return None };
        let origin = match origin {
            Ok(origin) => origin,
            Err(error) => {
                let place = placed.revealed.repo.clone().unwrap_or_default();
                return Some(Building::unread(&place, false, commit, &RepositoryError::Origin(error)));
            }
        };
        let mut built = self.built.lock().await;
        let shown = origin.to_string();
        if let Some(known) = built.as_ref()
            && known.origin == shown
            && known.commit == *commit
            && known.files.is_some()
        {
            return Some(known.clone());
        }
        let building = match fetch(&origin, &hash, Limits::default()).await {
            Ok(snapshot) => {
                let inspection = inspect(&snapshot);
                Building {
                    state: if inspection.fails() { "fails" } else { "fine" },
                    origin: shown,
                    local: origin.is_local(),
                    commit: commit.clone(),
                    files: Some(inspection.files),
                    hardware: Some(inspection.hardware.listed.iter().map(|card| card.token()).collect()),
                    verified_on: Some(inspection.hardware.used().token()),
                    findings: inspection.findings,
                    reason: None,
                    fix: None,
                }
            }
            Err(error) => Building::unread(&shown, origin.is_local(), commit, &error),
        };
        *built = Some(building.clone());
        Some(building)
    }
}

fn host() -> Url {
    PUBLIC_HOST.parse().expect("an address")
}
