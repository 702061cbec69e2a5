//! The pictures of one duel: each file is read, hashed and encoded once, when a stage first asks for it.
//! Remembers what was looked at, so that the record can name it; what a picture shows is not known here.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::join;
use gen404_outside::http::shown;
use gen404_outside::pictures::{FetchError, Format, Shelf};
use gen404_round::duel::Side;
use gen404_round::{Prompt, PromptImage, Stem};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use url::Url;

use crate::source::{Brought, NotBrought, PictureSource, Presence};

/// A render has about 1 MB; what is larger than this is something else.
const LARGEST_FILE: u64 = 32 << 20;

/// A picture that a stage needs and cannot have.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is not there.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A prompt picture on the network cannot be had.
    #[error("cannot fetch the prompt picture {address}")]
    Unfetched {
        /// Its address, without credentials and query.
        address: String,
        /// Why.
        source: FetchError,
    },
    /// A prompt picture on the network was not asked for before the match.
    #[error("the prompt picture {address} was not fetched")]
    NotFetched {
        /// Its address, without credentials and query.
        address: String,
    },
    /// The object has no pictures: it loses, which is no failure of the duel.
    #[error("the {} side has no pictures", side.name())]
    None {
        /// The side.
        side: Side,
    },
    /// It could not be drawn, and the object is not to blame.
    #[error(transparent)]
    NotBrought(Box<NotBrought>),
    /// It is too large for a picture.
    #[error("{} is larger than {} MiB", path.display(), LARGEST_FILE >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

impl PictureError {
    /// The picture is not on this machine and could not be brought here.
    pub fn is_of_the_network(&self) -> bool {
        match self {
            Self::Unfetched { .. } | Self::NotFetched { .. } => true,
            Self::Missing { .. }
            | Self::Unreadable { .. }
            | Self::None { .. }
            | Self::NotBrought(_)
            | Self::TooLarge { .. } => false,
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone)]
enum Loaded {
    Absent,
    /// Encoded for the model.
    Encoded {
        url: Bytes,
        sha256: String,
    },
    /// As it is, for the judge's own eyes.
    Raw {
        bytes: Bytes,
        sha256: String,
    },
}

impl Loaded {
    fn sum(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Encoded { sha256, .. } | Self::Raw { sha256, .. } => Some(sha256.clone()),
        }
    }
}

/// Where the pictures of a duel are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `<image-dir>/<stem>` of left and right.
    pub(crate) sides: [PathBuf; 2],
    pub(crate) prompt: PromptPlace,
    /// Whether each is there, or brought when a stage asks for it.
    pub(crate) presence: [Presence; 2],
}

/// Where the prompt picture is.
#[derive(Debug, Clone)]
pub(crate) enum PromptPlace {
    /// A file of this machine, fetched or given.
    File(PathBuf),
    /// On the network, and to be fetched before the match.
    Unfetched(Url),
    /// On the network, and fetched by the model's server.
    Address,
}

impl Places {
    /// Relative paths of prompt pictures begin at the prompts file's folder; fetched ones are on the shelf, if there is one.
    pub(crate) fn of(
        prompt: &Prompt,
        image_dirs: [&Path; 2],
        presence: [Presence; 2],
        prompts_folder: &Path,
        shelf: Option<&Shelf>,
    ) -> Self {
        let place = match (&prompt.image, shelf) {
            (PromptImage::Path(path), _) => PromptPlace::File(prompts_folder.join(path)),
            (PromptImage::Url(_), None) => PromptPlace::Address,
            (PromptImage::Url(url), Some(shelf)) => {
                shelf.find(url).map_or_else(|| PromptPlace::Unfetched(url.clone()), PromptPlace::File)
            }
        };
        Self { sides: image_dirs.map(|folder| folder.join(prompt.stem.as_str())), prompt: place, presence }
    }

    /// Whether the file of a side is there, or can be.
    pub(crate) fn may_have(&self, side: Side, name: &str) -> bool {
        self.presence[side as usize] == Presence::OnDemand || self.sides[side as usize].join(name).is_file()
    }

    /// The prompt picture, when it is a file.
    pub(crate) fn prompt_file(&self) -> Option<&Path> {
        match &self.prompt {
            PromptPlace::File(path) => Some(path),
            PromptPlace::Unfetched(_) | PromptPlace::Address => None,
        }
    }

    /// A file by the name it has in records: `left/white/front.png`, `prompt`.
    pub(crate) fn file(&self, key: &str) -> Option<PathBuf> {
        match key.split_once('/') {
            Some(("left", name)) => Some(self.sides[0].join(name)),
            Some(("right", name)) => Some(self.sides[1].join(name)),
            _ => self.prompt_file().filter(|_| key == "prompt").map(Path::to_owned),
        }
    }
}

/// The pictures of one duel.
#[derive(Debug)]
pub(crate) struct Pictures {
    places: Places,
    source: Arc<dyn PictureSource>,
    stem: Stem,
    prompt_url: String,
    files: Mutex<BTreeMap<String, Arc<OnceCell<Loaded>>>>,
    /// Sums of files that are not needed any more.
    done: Mutex<BTreeMap<String, Option<String>>>,
}

impl Pictures {
    pub(crate) fn new(places: Places, prompt: &Prompt, source: Arc<dyn PictureSource>) -> Self {
        Self {
            places,
            source,
            stem: prompt.stem.clone(),
            prompt_url: prompt.image_url.clone(),
            files: Mutex::default(),
            done: Mutex::default(),
        }
    }

    /// Has pictures of a side brought, all at once, which takes less time than one after the other.
    pub(crate) async fn bring(&self, side: Side, names: &[String]) -> Result<(), PictureError> {
        match self.source.bring(side, &self.stem, names).await {
            Ok(Brought::Ready) => Ok(()),
            Ok(Brought::NoPictures) => Err(PictureError::None { side }),
            Err(error) => Err(PictureError::NotBrought(Box::new(error))),
        }
    }

    /// The same for both sides; both are waited for, so that it is known of each whether it has any.
    pub(crate) async fn bring_both(&self, names: &[String]) -> [Result<(), PictureError>; 2] {
        join(self.bring(Side::Left, names), self.bring(Side::Right, names)).await.into()
    }

    /// The prompt picture's URL, as it stands inside a JSON string.
    pub(crate) async fn prompt(&self) -> Result<Bytes, PictureError> {
        match &self.places.prompt {
            PromptPlace::File(path) => self.encoded("prompt", path).await,
            PromptPlace::Unfetched(url) => Err(PictureError::NotFetched { address: shown(url) }),
            PromptPlace::Address => Ok(Bytes::from(self.prompt_url.replace('\\', "\\\\").replace('"', "\\\""))),
        }
    }

    /// The `data:` URL of a side's picture.
    pub(crate) async fn url(&self, side: Side, name: &str) -> Result<Bytes, PictureError> {
        self.bring(side, &[name.to_owned()]).await?;
        let key = format!("{}/{name}", side.name());
        self.encoded(&key, &self.places.sides[side as usize].join(name)).await
    }

    /// Whether a side has a picture or can have it, without looking at it.
    pub(crate) fn has(&self, side: Side, name: &str) -> bool {
        self.places.may_have(side, name)
    }

    /// A side's file as it is; `None` when it is not there.
    pub(crate) async fn raw(&self, side: Side, name: &str) -> Result<Option<Bytes>, PictureError> {
        self.bring(side, &[name.to_owned()]).await?;
        let key = format!("{}/{name}", side.name());
        let path = self.places.sides[side as usize].join(name);
        let loaded = self.load(&key, &path, |bytes| {
            let sha256 = sha256_of(&bytes);
            Loaded::Raw { bytes: Bytes::from(bytes), sha256 }
        });
        match loaded.await? {
            Loaded::Raw { bytes, .. } => Ok(Some(bytes)),
            Loaded::Absent | Loaded::Encoded { .. } => Ok(None),
        }
    }

    /// Gives back the memory of every picture but the ones of this name; what was looked at is remembered.
    pub(crate) fn let_go_of_all_but(&self, name: &str) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|key, cell| {
            let Some(loaded) = cell.get() else { return true };
            let kept = key.split_once('/').is_some_and(|(_, of_side)| of_side == name);
            if !kept {
                done.insert(key.clone(), loaded.sum());
            }
            kept
        });
    }

    /// What was looked at so far, with the SHA-256 of each file in hex.
    pub(crate) fn looked_at(&self) -> BTreeMap<String, Option<String>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = self.done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.extend(files.iter().filter_map(|(key, cell)| Some((key.clone(), cell.get()?.sum()))));
        seen
    }

    async fn encoded(&self, key: &str, path: &Path) -> Result<Bytes, PictureError> {
        let by_name = mime_by_name(path);
        let loaded = self.load(key, path, move |bytes| {
            let sha256 = sha256_of(&bytes);
            Loaded::Encoded { url: data_url(by_name, &bytes), sha256 }
        });
        match loaded.await? {
            Loaded::Encoded { url, .. } => Ok(url),
            Loaded::Raw { bytes, .. } => Ok(data_url(by_name, &bytes)),
            Loaded::Absent => Err(PictureError::Missing { path: path.to_owned() }),
        }
    }

    async fn load(
        &self,
        key: &str,
        path: &Path,
        finish: impl FnOnce(Vec<u8>) -> Loaded + Send + 'static,
    ) -> Result<Loaded, PictureError> {
        let cell = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(files.entry(key.to_owned()).or_default())
        };
        let path = path.to_owned();
        let work = || async {
            let work = move || Ok(read(&path)?.map_or(Loaded::Absent, finish));
            tokio::task::spawn_blocking(work)
                .await
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
        };
        cell.get_or_try_init(work).await.cloned()
    }
}

/// The content says what it is, the name only when the content does not.
fn data_url(by_name: &'static str, bytes: &[u8]) -> Bytes {
    let mime = Format::of(bytes).map_or(by_name, Format::mime);
    let mut url = String::with_capacity(mime.len() + 13 + bytes.len().div_ceil(3) * 4);
    url.push_str("data:");
    url.push_str(mime);
    url.push_str(";base64,");
    STANDARD.encode_string(bytes, &mut url);
    Bytes::from(url)
}

/// Length of the `data:` URL of a PNG of so many bytes.
pub(crate) fn encoded_length(bytes: u64) -> u64 {
    bytes.div_ceil(3) * 4 + 22
}

/// The whole file, `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, PictureError> {
    let unreadable = |source| PictureError::Unreadable { path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let length = file.metadata().map_err(unreadable)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(LARGEST_FILE)).unwrap_or_default());
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(PictureError::TooLarge { path: path.to_owned() });
    }
    Ok(Some(bytes))
}

/// In hex.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn mime_by_name(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        _ => "image/png",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Folders;

    fn prompt(image_url: &str) -> Prompt {
        let json = serde_json::json!({"prompts": [{"stem": "a", "image_url": image_url}]}).to_string();
        gen404_round::PromptSet::parse(json.as_bytes()).expect("prompts").prompts.remove(0)
    }

    fn pictures(folder: &Path, image_url: &str) -> Pictures {
        let prompt = prompt(image_url);
        let sides = [folder.join("left"), folder.join("right")];
        let places = Places::of(&prompt, [&sides[0], &sides[1]], [Presence::Here; 2], folder, None);
        Pictures::new(places, &prompt, Arc::new(Folders(sides)))
    }

    #[tokio::test]
    async fn files_are_read_once_and_remembered() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("left/a/white")).expect("a folder");
        let file = folder.path().join("left/a/white/front.png");
        std::fs::write(&file, b"ABC").expect("writes");
        std::fs::write(folder.path().join("chair.JPG"), b"J").expect("writes");
        let pictures = pictures(folder.path(), "chair.JPG");
        let first = pictures.url(Side::Left, "white/front.png").await.expect("there");
        assert_eq!(first, "data:image/png;base64,QUJD");
        assert_eq!(first.len() as u64, encoded_length(3));
        std::fs::write(&file, b"changed").expect("writes");
        let second = pictures.url(Side::Left, "white/front.png").await.expect("there");
        assert_eq!(first.as_ptr(), second.as_ptr(), "one reading, one encoding");
        assert_eq!(pictures.prompt().await.expect("there"), "data:image/jpeg;base64,Sg==");
        assert_eq!(pictures.raw(Side::Right, "embeddings.npz").await.expect("no error"), None);
        assert!(matches!(pictures.url(Side::Right, "grid.png").await, Err(PictureError::Missing { .. })));
        pictures.let_go_of_all_but("grid.png");
        let seen = pictures.looked_at();
        let keys: Vec<_> = seen.iter().map(|(key, sum)| (key.as_str(), sum.is_some())).collect();
        assert_eq!(
            keys,
            [
                ("left/white/front.png", true),
                ("prompt", true),
                ("right/embeddings.npz", false),
                ("right/grid.png", false)
            ]
        );
    }

    #[tokio::test]
    async fn prompt_addresses_stay_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let pictures = pictures(folder.path(), r#"https://h/a"b\c.png"#);
        let url = pictures.prompt().await.expect("an address");
        assert_eq!(url, r#"https://h/a\"b\\c.png"#);
        assert!(pictures.looked_at().is_empty());
    }

    #[tokio::test]
    async fn the_content_says_what_a_picture_is() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("photo.png"), b"\xff\xd8\xff").expect("writes");
        let url = pictures(folder.path(), "photo.png").prompt().await.expect("there");
        assert_eq!(url, "data:image/jpeg;base64,/9j/");
    }

    #[tokio::test]
    async fn a_picture_on_the_network_is_taken_from_the_shelf_or_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        let prompt = prompt("https://user:pass@h/a.png?token=1");
        let shelf = Shelf::new(folder.path());
        let places = Places::of(&prompt, [folder.path(); 2], [Presence::Here; 2], folder.path(), Some(&shelf));
        let folders = Folders([(); 2].map(|()| folder.path().to_owned()));
        let error = Pictures::new(places, &prompt, Arc::new(folders)).prompt().await.expect_err("not there");
        assert_eq!(error.to_string(), "the prompt picture https://h/a.png was not fetched");
    }
}
