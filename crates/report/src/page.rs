//! The page put together: template, style, script, and the pictures of every duel.
//! Escaping is the template engine's; what is marked safe here comes from this crate's own files.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gen404_outside::http::shown;
use gen404_round::Stem;
use gen404_round::duel::{DuelFailure, DuelRecord, MatchFile, Side};
use sha2::{Digest, Sha256};
use url::Url;

use crate::bitmap::{Bitmap, data_address, kind};
use crate::duel::{Duel, DuelPictures, Prompt, SidePicture, Thumb, ViewPair, judged};
use crate::folder::is_remote;
use crate::pictures::{Picture, Pictures, Rendered, views};
use crate::summary::{Summary, folder_name};

const STYLE: &str = include_str!("../assets/report.css");
const SCRIPT: &str = include_str!("../assets/report.js");

/// Longer edge of the pictures of the list, in pixels: twice what they take on the screen.
const THUMBNAIL: u16 = 160;
/// Longer edge of embedded large pictures.
const EMBEDDED: u16 = 512;
/// A picture that cannot be decoded here is embedded as it is up to this many bytes: large, and in the list.
const LARGEST_UNDECODED: [usize; 2] = [1 << 20, 32 << 10];

/// The page could not be put together.
#[derive(Debug, thiserror::Error)]
#[error("the report page could not be put together")]
pub struct RenderError(#[from] askama::Error);

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    policy: String,
    style: &'a str,
    script: &'a str,
    summary: Summary,
    filters: Vec<FilterGroup>,
    duels: Vec<Duel>,
    made_by: String,
}

struct FilterGroup {
    key: &'static str,
    name: &'static str,
    filters: Vec<Filter>,
}

struct Filter {
    key: &'static str,
    name: &'static str,
    count: usize,
}

/// A duel or a failed one: what both have.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Judged(&'a DuelRecord),
    Failed(&'a DuelFailure),
}

/// The page of a match. With `embed` the large pictures are inside it (smaller ones of the views that were judged), so that the
/// file can be sent; else it links to the picture files.
pub fn render(file: &MatchFile, pictures: &impl Pictures, embed: bool) -> Result<String, RenderError> {
    let entries: Vec<Entry<'_>> =
        file.results.iter().map(Entry::Judged).chain(file.failures.iter().map(Entry::Failed)).collect();
    let gallery = Gallery::of(file, pictures, embed);
    let duels = in_parallel(&entries, |entry| gallery.duel(*entry));
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        summary: Summary::of(file),
        filters: filters(&duels),
        duels,
        made_by: format!("Made by 404-cli {}.", env!("CARGO_PKG_VERSION")),
    };
    Ok(page.render()?)
}

/// Only this page's own style and script run, and nothing is fetched but pictures of this disk (or of the page's own server).
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; img-src 'self' file: data:; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// Maps on all cores, keeping the order: decoding pictures is nearly all of a report's work.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    done.lock().expect("no thread panics with the lock held").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("a panic of a thread has already ended the scope");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn filters(duels: &[Duel]) -> Vec<FilterGroup> {
    let filter = |key, name, fits: &dyn Fn(&Duel) -> bool| Filter {
        key,
        name,
        count: duels.iter().filter(|duel| fits(duel)).count(),
    };
    let winner = |key, name| filter(key, name, &|duel| duel.winner.key == key);
    let stage = |key, name| filter(key, name, &|duel| duel.stage == key);
    let flag = |key, name| filter(key, name, &|duel| duel.flags.split(' ').any(|flag| flag == key));
    vec![
        FilterGroup {
            key: "winner",
            name: "Outcome",
            filters: vec![
                winner("left", "Left"),
                winner("right", "Right"),
                winner("draw", "Draw"),
                winner("failed", "Failed"),
            ],
        },
        FilterGroup {
            key: "stage",
            name: "Decided in",
            filters: vec![
                stage("1", "Stage 1"),
                stage("2", "Stage 2"),
                stage("3", "Stage 3"),
                stage("4", "Stage 4"),
                stage("none", "No pictures"),
            ],
        },
        FilterGroup {
            key: "flag",
            name: "Trouble",
            filters: vec![flag("contradictory", "Contradictory"), flag("calls", "Failed calls")],
        },
    ]
}

/// The pictures of a match on their way into the page.
struct Gallery<'a, P> {
    pictures: &'a P,
    embed: bool,
    views: Vec<Rendered>,
    /// The view that stands for a side in the list.
    face: Vec<Rendered>,
    folders: [String; 2],
}

impl<'a, P: Pictures> Gallery<'a, P> {
    fn of(file: &MatchFile, pictures: &'a P, embed: bool) -> Self {
        let run = file.run.as_ref();
        let reference = run.and_then(|run| Rendered::white(&run.pictures.reference));
        let fallback = ["front", "front_left"].map(|name| Rendered::White(name.to_owned()));
        let face = reference.into_iter().chain(fallback).chain([Rendered::Grid]).collect();
        let folders = [folder_name(run, Side::Left), folder_name(run, Side::Right)];
        Self { pictures, embed, views: views(file), face, folders }
    }

    fn duel(&self, entry: Entry<'_>) -> Duel {
        match entry {
            Entry::Judged(record) => Duel::of(record, self.of_duel(&record.stem, &record.prompt_url, Some(record))),
            Entry::Failed(failure) => Duel::failed(failure, self.of_duel(&failure.stem, &failure.prompt_url, None)),
        }
    }

    fn of_duel(&self, stem: &Stem, prompt: &str, record: Option<&DuelRecord>) -> DuelPictures {
        let face = |side| {
            let there = self.face.iter().find(|view| self.pictures.link(Picture::Rendered(stem, side, view)).is_some());
            there.map(|view| Picture::Rendered(stem, side, view))
        };
        let thumbs = [
            self.thumb("prompt", "Prompt picture", Some(Picture::Prompt(stem, prompt)), "prompt"),
            self.thumb("left", "Left", face(Side::Left), "no left"),
            self.thumb("right", "Right", face(Side::Right), "no right"),
        ];
        DuelPictures { thumbs, prompt: self.prompt(stem, prompt), views: self.pairs(stem, record) }
    }

    fn thumb(
        &self,
        side: &'static str,
        name: &'static str,
        picture: Option<Picture<'_>>,
        absent: &'static str,
    ) -> Thumb {
        let inline = picture.and_then(|picture| self.pictures.file(picture)).and_then(|file| small(&file, THUMBNAIL));
        let lazy = inline.is_none();
        let linked = || picture.filter(|_| !self.embed).and_then(|picture| self.pictures.link(picture));
        Thumb { side, name, source: inline.or_else(linked).unwrap_or_default(), lazy, absent }
    }

    fn prompt(&self, stem: &Stem, address: &str) -> Prompt {
        let remote = is_remote(address);
        let source = self.large(Picture::Prompt(stem, address)).unwrap_or_default();
        let absent = if remote {
            "The prompt picture is on the network; this page fetches nothing."
        } else {
            "The prompt picture is not there."
        };
        // The page may be sent to anybody, and a login or a query lets somebody in.
        let url = Url::parse(address).ok().filter(|_| remote);
        Prompt { source, address: url.as_ref().map(shown).unwrap_or_default(), absent: absent.to_owned() }
    }

    /// Every view that at least one side has. Embedded are only those a stage has looked at: a file to send must stay small.
    fn pairs(&self, stem: &Stem, record: Option<&DuelRecord>) -> Vec<ViewPair> {
        let shown = self.views.iter().filter(|view| !self.embed || is_judged(view, record));
        shown
            .filter_map(|view| {
                let [left, right] =
                    [Side::Left, Side::Right].map(|side| self.large(Picture::Rendered(stem, side, view)));
                if left.is_none() && right.is_none() {
                    return None;
                }
                let [left_folder, right_folder] = self.folders.clone();
                let picture = |side, name, folder, source: Option<String>| SidePicture {
                    side,
                    name,
                    folder,
                    source: source.unwrap_or_default(),
                };
                let sides =
                    [picture("left", "Left", left_folder, left), picture("right", "Right", right_folder, right)];
                Some(ViewPair { key: view.key(), name: view.title(), sides })
            })
            .collect()
    }

    fn large(&self, picture: Picture<'_>) -> Option<String> {
        if self.embed { small(&self.pictures.file(picture)?, EMBEDDED) } else { self.pictures.link(picture) }
    }
}

/// Whether a stage of this duel has looked at the view.
fn is_judged(view: &Rendered, record: Option<&DuelRecord>) -> bool {
    let Some(detail) = record.and_then(judged) else { return *view == Rendered::Grid };
    match view {
        Rendered::Grid => true,
        Rendered::White(name) => {
            detail.s1.angles.iter().any(|angle| angle.label == *name)
                || detail.s4.as_ref().is_some_and(|guard| guard.per_angle.a.get(name).is_some())
        }
        Rendered::Gray(name) => name.starts_with("front") && detail.s3.as_ref().is_some_and(|gray| gray.fired),
    }
}

/// A picture no larger than `edge`, as a data address.
fn small(file: &[u8], edge: u16) -> Option<String> {
    if let Some(jpeg) = Bitmap::decode(file).and_then(|bitmap| bitmap.thumbnail(edge)) {
        return Some(data_address("image/jpeg", &jpeg));
    }
    let [large, thumbnail] = LARGEST_UNDECODED;
    let limit = if edge > THUMBNAIL { large } else { thumbnail };
    kind(file).filter(|_| file.len() <= limit).map(|kind| data_address(kind, file))
}
