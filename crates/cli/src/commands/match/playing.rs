//! Plays matches of two folders of modules: what the options say of judge and renderer, and one match after the other with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use gen404_judge::{Plan, Profile};
use gen404_outside::http::parse_address;
use gen404_renderer::{PictureCache, Pruned};
use gen404_round::Stem;
use gen404_round::duel::WinMargin;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::artist::Artist;
use super::drawing::Drawing;
use super::modules::Modules;
use crate::arguments::{Judging, StudioArguments};
use crate::commands::judge::{Course, Ended, profile};
use crate::context::Context;
use crate::errors::CommandError;
use crate::folders;

/// Options of commands that play matches.
#[derive(Debug, Args)]
pub(in crate::commands) struct Playing {
    /// Address of the judge, an OpenAI-compatible server; /v1 is appended unless its path has a version. Give it several times, and they
    /// share the questions. Not needed when every duel is judged already
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    judge: Vec<Url>,
    /// Address of a render service; the built-in renderer is not used then. Give it several times, and they share the work
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    renderer: Vec<Url>,
    /// Folder where pictures are kept by their module [default: pictures in the user's cache folder of this tool]
    #[arg(long, value_name = "DIR")]
    picture_cache: Option<PathBuf>,
    /// Size in GB that the kept pictures may have; beyond it, those that were not used for longest go at the end
    #[arg(long, value_name = "GB", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    picture_cache_limit: u32,
    /// Duels at once, for each judge
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Rules and wording: official (what the subnet does), cli, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "official")]
    profile: String,
    #[command(flatten)]
    pub(in crate::commands) judging: Judging,
    #[command(flatten)]
    studio: StudioArguments,
}

/// Plays with one profile and one renderer.
pub(in crate::commands) struct Player<'a> {
    context: &'a Context,
    playing: &'a Playing,
    profile: Profile,
    artist: OnceCell<Arc<Artist>>,
    cache: PictureCache,
}

impl<'a> Player<'a> {
    /// The margin is the competition's, where it is known; an option says another.
    pub(in crate::commands) fn new(
        context: &'a Context,
        playing: &'a Playing,
        win_margin: Option<WinMargin>,
    ) -> Result<Self, CommandError> {
        let mut profile = profile(&playing.profile)?;
        profile.win_margin = playing.judging.win_margin.or(win_margin).unwrap_or(profile.win_margin);
        let cache = PictureCache::new(cache_folder(playing.picture_cache.as_deref())?);
        Ok(Self { context, playing, profile, artist: OnceCell::new(), cache })
    }

    /// Asks whether somebody can judge and draw, before anything is spent on what they are for.
    pub(in crate::commands) async fn get_ready(&self) -> Result<(), CommandError> {
        self.course(Path::new("")).greet(&self.profile).await?;
        self.artist().await.map(drop)
    }

    fn course<'b>(&'b self, output_dir: &'b Path) -> Course<'b> {
        Course {
            context: self.context,
            judging: &self.playing.judging,
            endpoints: &self.playing.judge,
            flag: "--judge",
            output_dir,
            concurrency: self.playing.concurrency,
        }
    }

    async fn artist(&self) -> Result<Arc<Artist>, CommandError> {
        let hire =
            || async { Artist::hire(self.context, &self.playing.renderer, &self.playing.studio).await.map(Arc::new) };
        self.artist.get_or_try_init(hire).await.map(Arc::clone)
    }

    /// The margin from which on the right side wins.
    pub(in crate::commands) fn win_margin(&self) -> WinMargin {
        self.profile.win_margin
    }

    /// Plays a match, or says what it takes when that is all that was asked for: `None` then.
    pub(in crate::commands) async fn play(
        &self,
        sides: [&Path; 2],
        output_dir: &Path,
    ) -> Result<Option<Ended>, CommandError> {
        let Self { context, playing, .. } = self;
        let course = self.course(output_dir);
        let pictures = ["left", "right"].map(|side| output_dir.join(side));
        let duels = course.contest(self.profile.clone(), pictures[0].clone(), pictures[1].clone())?;
        let stems: Vec<Stem> = duels.prompts.prompts.iter().map(|prompt| prompt.stem.clone()).collect();
        let modules = [Modules::read(sides[0], &stems).await?, Modules::read(sides[1], &stems).await?];
        modules.iter().zip(["left", "right"]).for_each(|(modules, side)| modules.tell_refused(&context.ui, side));

        let drawing = Drawing::new(&context.ui, self.artist().await?, self.cache.clone(), modules, pictures);
        let drawing = Arc::new(drawing);
        let (source, fresh) = (Arc::clone(&drawing), playing.judging.fresh);
        let plan = course
            .plan(move || {
                source.make_room(&stems)?;
                Ok(Plan::with_source(duels, source, fresh))
            })
            .await?;
        course.refuse_empty(
            &plan,
            sides,
            "usable module",
            "the folders hold <stem>.js for the stems of the prompts file",
        )?;
        if course.says_what_it_takes(&plan)? {
            return Ok(None);
        }
        // A match is large.
        let mut ended = Box::pin(course.go(plan)).await?;
        ended.fields.extend(drawing.fields());
        ended.fields.insert("refused".to_owned(), Value::Array(drawing.refused()));
        ended.fields.insert("profile".to_owned(), json!(playing.profile));
        Ok(Some(ended))
    }

    /// Ends the browsers, and takes away kept pictures beyond the limit: no match is worse for a cache that is too large.
    pub(in crate::commands) async fn close(&self) {
        let Some(artist) = self.artist.get() else { return };
        artist.close().await;
        let limit = u64::from(self.playing.picture_cache_limit) * 1_000_000_000;
        let (cache, ui) = (self.cache.clone(), &self.context.ui);
        match tokio::task::spawn_blocking(move || cache.prune(limit, SystemTime::now())).await {
            Ok(Ok(Pruned { modules: 0, .. })) => {}
            Ok(Ok(Pruned { modules, bytes })) => {
                let size = bytes.div_ceil(1_000_000);
                ui.faint(format!(
                    "kept pictures of {modules} modules that were not used for longest are gone: {size} MB"
                ));
            }
            Ok(Err(error)) => {
                let root = self.cache.root().display();
                ui.warning(format!("kept pictures in {root} cannot be looked through to clean up: {error}"));
            }
            Err(_) => tracing::error!("cleaning up kept pictures panicked"),
        }
    }
}

fn cache_folder(given: Option<&Path>) -> Result<PathBuf, CommandError> {
    given.map(Path::to_owned).or_else(|| Some(folders::cache()?.join("pictures"))).ok_or_else(|| {
        CommandError::usage("no home folder to keep pictures in").with_hint("name a folder with --picture-cache")
    })
}
