//! A judged match on this disk: its `duels.json`, the folders its pictures are in, and the page written beside it.
//! The only file of the crate that touches a disk; what the page looks like is not known here.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use gen404_outside::disk::{Durability, write_whole};
use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::pictures::Shelf;
use gen404_outside::text::bytes_without_mark;
use gen404_round::Stem;
use gen404_round::duel::{MatchFile, Side};
use url::Url;

use crate::bitmap::kind;
use crate::page::{RenderError, render};
use crate::pictures::{Picture, Pictures, Rendered};

/// Name of the match file in the results folder.
const MATCH_FILE: &str = "duels.json";
/// Largest match file that is read.
const LARGEST_MATCH_FILE: u64 = 256 << 20;
/// Largest picture that is read.
const LARGEST_PICTURE: u64 = 64 << 20;

/// What to make a report of.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The results folder of a judged match.
    pub results: PathBuf,
    /// Where the page goes; `report.html` in the results folder when absent.
    pub output: Option<PathBuf>,
    /// Whether the large pictures go into the page.
    pub embed: bool,
    /// Folder of the left side's pictures, when it is not where the match was judged from.
    pub left: Option<PathBuf>,
    /// The same for the right side.
    pub right: Option<PathBuf>,
    /// Folder with prompt pictures `<stem>.png` (or `.jpg`, `.jpeg`, `.webp`), for prompts that are on the network; `prompts` in
    /// the results folder when absent.
    pub prompts: Option<PathBuf>,
}

impl Request {
    fn prompts(&self) -> PathBuf {
        self.prompts.clone().unwrap_or_else(|| self.results.join("prompts"))
    }
}

/// A prompt picture that is on the network only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePrompt {
    /// The prompt.
    pub stem: Stem,
    /// Its http or https address.
    pub url: String,
    /// Where the report will look for it, but for the extension (`.png`, `.jpg` or `.webp`).
    pub file: PathBuf,
}

/// Prompt pictures of a judged match that the report cannot show until somebody fetches them.
pub fn remote_prompts(request: &Request) -> Result<Vec<RemotePrompt>, ReportError> {
    let file = read_match(&request.results.join(MATCH_FILE))?;
    let folders = Folders::of(&file, request, &request.results);
    let prompts = request.prompts();
    let judged = file.results.iter().map(|record| (&record.stem, &record.prompt_url));
    let failed = file.failures.iter().map(|failure| (&failure.stem, &failure.prompt_url));
    let remote = judged.chain(failed).filter(|(stem, url)| is_remote(url) && folders.prompt(stem, url).is_none());
    Ok(remote
        .map(|(stem, url)| RemotePrompt { stem: stem.clone(), url: url.clone(), file: prompts.join(stem.as_str()) })
        .collect())
}

/// Whether a prompt's address is on the network.
pub(crate) fn is_remote(address: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme))
}

/// The extension of a prompt picture's file, told from its first bytes; `None` when the report could not show it.
pub fn prompt_extension(file: &[u8]) -> Option<&'static str> {
    match kind(file)? {
        "image/png" => Some("png"),
        "image/jpeg" => Some("jpg"),
        "image/webp" => Some("webp"),
        _ => None,
    }
}

/// A written report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Duels on it, failed ones too.
    pub duels: usize,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no match file.
    #[error("{} is not there", path.display())]
    NoMatch {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The match file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system or the parser said.
        #[source]
        source: io::Error,
    },
    /// The match file is larger than any match.
    #[error("{} is larger than {} bytes", path.display(), LARGEST_MATCH_FILE)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The match file is no match file.
    #[error("{} is not a match file", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What the system or the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// The page could not be put together.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The page could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The page.
        path: PathBuf,
        /// What the system or the parser said.
        #[source]
        source: io::Error,
    },
}

impl Explain for ReportError {
    fn blame(&self) -> Blame {
        match self {
            Self::NoMatch { .. } | Self::Shape { .. } | Self::TooLarge { .. } => Blame::User,
            Self::Read { .. } | Self::Render(_) | Self::Write { .. } => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::NoMatch { .. } => Some("give the folder that `404-cli judge` wrote its results to"),
            Self::Shape { .. } => {
                Some("`404-cli judge` writes it anew when it is run again; duels already judged are kept")
            }
            Self::Write { .. } => Some("choose another place with --output"),
            Self::Read { .. } | Self::TooLarge { .. } | Self::Render(_) => None,
        }
        .map(Hint::Borrowed)
    }
}

/// Reads a judged match and writes its page, whole or not at all.
pub fn write(request: &Request) -> Result<Written, ReportError> {
    let file = read_match(&request.results.join(MATCH_FILE))?;
    let page = request.output.clone().unwrap_or_else(|| request.results.join("report.html"));
    let refused = |source| ReportError::Write { path: page.clone(), source };
    let folder = page.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(refused)?;
    let html = render(&file, &Folders::of(&file, request, folder), request.embed)?;
    write_whole(&page, html.as_bytes(), Durability::Whole).map_err(refused)?;
    Ok(Written { page, bytes: html.len() as u64, duels: file.results.len() + file.failures.len() })
}

fn read_match(path: &Path) -> Result<MatchFile, ReportError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ReportError::NoMatch { path: path.to_owned() },
        _ => ReportError::Read { path: path.to_owned(), source },
    };
    let mut text = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LARGEST_MATCH_FILE + 1).read_to_end(&mut text));
    if read.map_err(failed)? as u64 > LARGEST_MATCH_FILE {
        return Err(ReportError::TooLarge { path: path.to_owned() });
    }
    serde_json::from_slice(bytes_without_mark(&text))
        .map_err(|source| ReportError::Shape { path: path.to_owned(), source })
}

/// The pictures of a match in their folders.
#[derive(Debug, Clone)]
pub struct Folders {
    left: Option<PathBuf>,
    right: Option<PathBuf>,
    /// Folder that relative prompt addresses start from.
    prompts_base: Option<PathBuf>,
    /// Folder of prompt pictures by stem.
    prompts: PathBuf,
    /// Folder of the page, absolute.
    page: PathBuf,
}

impl Folders {
    /// Where the request says, else where the match was judged from.
    pub fn of(file: &MatchFile, request: &Request, page: &Path) -> Self {
        let run = file.run.as_ref();
        let folder = |given: &Option<PathBuf>, recorded: Option<&String>| {
            given.clone().or_else(|| recorded.map(PathBuf::from)).map(|folder| absolute(&folder))
        };
        let prompts_file = run.map(|run| PathBuf::from(&run.prompts_json));
        Self {
            left: folder(&request.left, run.map(|run| &run.image_dir_1)),
            right: folder(&request.right, run.map(|run| &run.image_dir_2)),
            prompts_base: prompts_file.and_then(|file| file.parent().map(absolute)),
            prompts: absolute(&request.prompts()),
            page: absolute(page),
        }
    }

    fn path(&self, picture: Picture<'_>) -> Option<PathBuf> {
        let path = match picture {
            Picture::Prompt(stem, address) => return self.prompt(stem, address),
            Picture::Rendered(stem, side, view) => {
                let folder = match side {
                    Side::Left => &self.left,
                    Side::Right => &self.right,
                };
                let name = match view {
                    Rendered::Grid => "grid.png".to_owned(),
                    Rendered::White(name) => format!("white/{name}.png"),
                    Rendered::Gray(name) => format!("gray/{name}.png"),
                };
                folder.as_ref()?.join(stem.as_str()).join(name)
            }
        };
        path.is_file().then_some(path)
    }

    fn prompt(&self, stem: &Stem, address: &str) -> Option<PathBuf> {
        // What was fetched from this very address is it; a file of the stem's name may be from another round.
        let url = Url::parse(address).ok().filter(|_| is_remote(address));
        let fetched = url.and_then(|url| Shelf::beside(&self.prompts).find(&url));
        let given = ["png", "jpg", "jpeg", "webp"].map(|extension| self.prompts.join(format!("{stem}.{extension}")));
        let base = self.prompts_base.as_ref().filter(|_| !address.contains("://") && !address.is_empty());
        let recorded = base.map(|base| base.join(address));
        fetched.into_iter().chain(given).chain(recorded).find(|path| path.is_file())
    }
}

impl Pictures for Folders {
    fn link(&self, picture: Picture<'_>) -> Option<String> {
        self.path(picture).map(|path| address_from(&self.page, &absolute(&path)))
    }

    fn file(&self, picture: Picture<'_>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = fs::File::open(self.path(picture)?).ok()?;
        let read = file.take(LARGEST_PICTURE + 1).read_to_end(&mut bytes).ok()?;
        (read as u64 <= LARGEST_PICTURE).then_some(bytes)
    }
}

/// The path from the root, without links where it exists: `..` in an address does not follow links.
fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// The address of a file seen from a folder, percent-encoded; both absolute.
fn address_from(folder: &Path, file: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().filter_map(|part| match part {
        Component::Normal(name) => Some(encoded(name.as_encoded_bytes())),
        _ => None,
    });
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// A name with everything but unreserved characters percent-encoded, so that it can only be a name.
fn encoded(name: &[u8]) -> String {
    name.iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(*byte));
        } else {
            // writing to a string cannot fail
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_up_and_down_and_are_only_names() {
        let from = |folder: &str, file: &str| address_from(Path::new(folder), Path::new(file));
        assert_eq!(from("/a/results", "/a/old/s/grid.png"), "../old/s/grid.png");
        assert_eq!(from("/a", "/a/b/c.png"), "b/c.png");
        assert_eq!(
            from("/a/b", "/x y/javascript:alert(1)/#?%\".png"),
            "../../x%20y/javascript%3Aalert%281%29/%23%3F%25%22.png"
        );
    }
}
