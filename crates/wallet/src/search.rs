//! Finds wallets and hotkeys in the two layouts that folders of wallets have, and says what is there when they are not.
//! Looks at names and public addresses; no secret is read here.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_round::{AccountId, Hotkey};

use crate::hotkey::HotkeyFile;
use crate::secret::is_quoted;

/// Names that a message lists before it only counts the rest.
const LISTED: usize = 12;
/// Shorter texts are no addresses, not even mistyped ones (an address has 47 or 48 characters).
const SHORTEST_ADDRESS: usize = 40;

/// The folder that wallets are in: either directly or in its subfolder `wallets`.
#[derive(Debug, Clone)]
pub struct WalletFolder {
    path: PathBuf,
    given: PathBuf,
}

/// A hotkey of a wallet, as an error message lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHotkey {
    /// Name of its file.
    pub name: String,
    /// Its address, where that can be told without a password.
    pub address: Option<Hotkey>,
}

/// Why a hotkey's keyfile was not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Empty, or a path instead of a name.
    #[error("`{}` is not the name of a {of}", name.escape_debug())]
    NotAName {
        /// What it should name: `wallet` or `hotkey`.
        of: &'static str,
        /// The text given.
        name: String,
    },
    /// No wallet of that name in either layout.
    #[error(
        "no wallet `{}` at {} or {} ({})",
        wallet.escape_debug(), tried[0].display(), tried[1].display(), Listed("wallets there", existing)
    )]
    Wallet {
        /// The name looked for.
        wallet: String,
        /// Where it was looked for.
        tried: [PathBuf; 2],
        /// The wallets of both layouts.
        existing: Vec<String>,
    },
    /// The wallet has no hotkey of that name.
    #[error(
        "no hotkey `{}` at {} ({})",
        hotkey.escape_debug(), Paths(tried), Listed("hotkeys of the wallet", existing)
    )]
    Hotkey {
        /// The name looked for.
        hotkey: String,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
        /// The hotkeys that the wallet has.
        existing: Vec<String>,
    },
    /// An address was given for a name, and no hotkey of the wallet is known to have it.
    #[error("no hotkey of wallet `{}` has the address {address} ({})", wallet.escape_debug(), Listed("its hotkeys", existing))]
    Address {
        /// The wallet's name.
        wallet: String,
        /// The address given.
        address: Hotkey,
        /// The hotkeys that the wallet has.
        existing: Vec<KnownHotkey>,
    },
    /// The coldkey's address was given for a hotkey's name.
    #[error("{address} is the coldkey of wallet `{}`, but commitments are signed by a hotkey ({})", wallet.escape_debug(), Listed("its hotkeys", existing))]
    Coldkey {
        /// The wallet's name.
        wallet: String,
        /// The coldkey's address.
        address: AccountId,
        /// The hotkeys that the wallet has.
        existing: Vec<KnownHotkey>,
    },
    /// A folder cannot be looked into.
    #[error("cannot look into {}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Explain for FindError {
    fn blame(&self) -> Blame {
        match self {
            Self::NotAName { .. }
            | Self::Wallet { .. }
            | Self::Hotkey { .. }
            | Self::Address { .. }
            | Self::Coldkey { .. }
            | Self::Unreadable { .. } => Blame::User,
        }
    }

    fn hint(&self) -> Option<Hint> {
        const QUOTES: &str = "leave out the quotes around it: some tools pass them on as part of the value";
        Some(match self {
            Self::NotAName { name, .. } | Self::Wallet { wallet: name, .. } | Self::Hotkey { hotkey: name, .. }
                if is_quoted(name) =>
            {
                QUOTES.into()
            }
            Self::Wallet { tried, .. } if tried[0].to_string_lossy().starts_with(['"', '\'']) => {
                format!("the wallet path stands in quotes; {QUOTES}").into()
            }
            Self::NotAName { of, .. } => {
                format!("give the {of}'s name alone; the folder that wallets are in is the wallet path").into()
            }
            Self::Wallet { wallet, .. } if wallet.len() >= SHORTEST_ADDRESS => {
                "give the name of the wallet's folder, not an address".into()
            }
            Self::Wallet { tried, .. } if tried[0].parent().is_some_and(is_wallet) => {
                "the wallet path is itself a wallet: give the folder it is in".into()
            }
            Self::Wallet { .. } => {
                "give the folder that wallets are in as the wallet path (BT_WALLET_PATH), or create \
                 the wallet with `btcli wallet create`"
                    .into()
            }
            Self::Hotkey { hotkey, .. } if hotkey.len() >= SHORTEST_ADDRESS => match hotkey.parse::<AccountId>() {
                Err(error) => format!("if this is meant as an address: {error}").into(),
                Ok(_) => return None,
            },
            Self::Hotkey { .. } => {
                "give one of the names listed, or create the hotkey with `btcli wallet new-hotkey`".into()
            }
            Self::Address { existing, .. } if existing.iter().any(|hotkey| hotkey.address.is_none()) => {
                "give the hotkey's name: the address of an encrypted hotkey without its …pub.txt is not known".into()
            }
            Self::Address { .. } | Self::Coldkey { .. } => "give the hotkey's name".into(),
            Self::Unreadable { .. } => return None,
        })
    }
}

impl WalletFolder {
    /// The folder as the user gave it. A leading `~` stands for the home folder; line ends behind it, which files with
    /// Windows line ends leave there, are no part of it.
    pub fn new(given: impl Into<PathBuf>, home: Option<&Path>) -> Self {
        let given: PathBuf = given.into();
        let given = given.to_str().map_or_else(|| given.clone(), |text| text.trim_end_matches(['\r', '\n']).into());
        let path = match (given.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => given.clone(),
        };
        Self { path, given }
    }

    /// The folder with its `~` replaced.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds the keyfile of a wallet's hotkey, by the hotkey's name or by its SS58 address.
    ///
    /// A wallet is looked for at `<folder>/<wallet>`, then at `<folder>/wallets/<wallet>`; should both exist, the first
    /// that has the hotkey counts. White space around the names is no part of them.
    pub fn find_hotkey(&self, wallet: &str, hotkey: &str) -> Result<HotkeyFile, FindError> {
        let (wallet, hotkey) = (wallet.trim(), hotkey.trim());
        require_name("wallet", wallet)?;
        require_name("hotkey", hotkey)?;
        let places = self.places(wallet)?;
        for place in &places {
            let found = place.hotkey(hotkey);
            if exists(found.path())? {
                return Ok(found);
            }
        }
        match hotkey.parse::<AccountId>() {
            Ok(address) => by_address(&places, wallet, address),
            Err(_) => Err(FindError::Hotkey {
                hotkey: hotkey.to_owned(),
                tried: places.iter().map(|place| place.hotkey(hotkey).path().to_owned()).collect(),
                existing: hotkeys_of(&places)?.iter().map(|file| file.name().to_owned()).collect(),
            }),
        }
    }

    /// The one or two wallets of that name.
    fn places(&self, wallet: &str) -> Result<Vec<Place>, FindError> {
        let direct = Place { path: self.path.join(wallet), given: self.given.join(wallet) };
        let nested =
            Place { path: self.path.join("wallets").join(wallet), given: self.given.join("wallets").join(wallet) };
        let tried = [direct.path.clone(), nested.path.clone()];
        let mut places = Vec::new();
        for place in [direct, nested] {
            if exists(&place.path)? && is_wallet(&place.path) {
                places.push(place);
            }
        }
        if places.is_empty() {
            return Err(FindError::Wallet { wallet: wallet.to_owned(), tried, existing: self.wallets() });
        }
        Ok(places)
    }

    /// Names of the wallets of both layouts, for a message; what cannot be read is not listed.
    fn wallets(&self) -> Vec<String> {
        let mut names: Vec<_> = [self.path.clone(), self.path.join("wallets")]
            .iter()
            .flat_map(|folder| entries(folder).unwrap_or_default())
            .filter(|path| is_wallet(path))
            .filter_map(|path| file_name(&path))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Where a wallet is: as the system and as the user calls it.
struct Place {
    path: PathBuf,
    given: PathBuf,
}

impl Place {
    fn hotkey(&self, name: &str) -> HotkeyFile {
        HotkeyFile::new(self.path.clone(), &self.given, name)
    }
}

fn by_address(places: &[Place], wallet: &str, address: Hotkey) -> Result<HotkeyFile, FindError> {
    let mut existing = Vec::new();
    for file in hotkeys_of(places)? {
        let known = file.public_address();
        if known == Some(address) {
            return Ok(file);
        }
        existing.push(KnownHotkey { name: file.name().to_owned(), address: known });
    }
    let wallet = wallet.to_owned();
    let is_coldkey = places.iter().any(|place| place.hotkey("").coldkey() == Some(address));
    if is_coldkey {
        Err(FindError::Coldkey { wallet, address, existing })
    } else {
        Err(FindError::Address { wallet, address, existing })
    }
}

/// The hotkeys of the places by name. Public companions (`…pub.txt`) and hidden files are none.
fn hotkeys_of(places: &[Place]) -> Result<Vec<HotkeyFile>, FindError> {
    let mut files = Vec::new();
    for place in places {
        let folder = place.path.join("hotkeys");
        let paths = entries(&folder).map_err(|source| FindError::Unreadable { path: folder, source })?;
        let names = paths.iter().filter(|path| path.is_file()).filter_map(|path| file_name(path));
        let names = names.filter(|name| !name.ends_with("pub.txt") && !name.starts_with('.'));
        files.extend(names.map(|name| place.hotkey(&name)));
    }
    files.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(files)
}

fn require_name(of: &'static str, name: &str) -> Result<(), FindError> {
    let harmless = !name.trim().is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != "..";
    if harmless { Ok(()) } else { Err(FindError::NotAName { of, name: name.to_owned() }) }
}

/// Whether the folder has anything that makes it a wallet.
fn is_wallet(folder: &Path) -> bool {
    folder.join("hotkeys").is_dir() || folder.join("coldkeypub.txt").is_file() || folder.join("coldkey").is_file()
}

fn exists(path: &Path) -> Result<bool, FindError> {
    path.try_exists().or_else(|source| match source.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => Ok(false),
        _ => Err(FindError::Unreadable { path: path.to_owned(), source }),
    })
}

/// What is in the folder; nothing when there is no such folder.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn file_name(path: &Path) -> Option<String> {
    path.file_name()?.to_str().map(str::to_owned)
}

impl fmt::Display for KnownHotkey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(formatter, "{} = {address}", self.name),
            None => write!(formatter, "{} = unknown", self.name),
        }
    }
}

struct Listed<'a, T>(&'static str, &'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(what, items) = self;
        write!(formatter, "{what}: ")?;
        for (index, item) in items.iter().take(LISTED).enumerate() {
            write!(formatter, "{}{item}", if index == 0 { "" } else { ", " })?;
        }
        match items.len() {
            0 => formatter.write_str("none"),
            count if count > LISTED => write!(formatter, " and {} more", count - LISTED),
            _ => Ok(()),
        }
    }
}

struct Paths<'a>(&'a [PathBuf]);

impl fmt::Display for Paths<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, path) in self.0.iter().enumerate() {
            write!(formatter, "{}{}", if index == 0 { "" } else { " or " }, path.display())?;
        }
        Ok(())
    }
}
