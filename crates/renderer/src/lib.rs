//! Remote render client, Chromium driver and render server: the only crate that starts a browser.
//!
//! A module becomes pictures either by the official service ([`RenderService`]) or by a Chromium of this machine
//! ([`Studio`]); both give the same pixels. [`Batch`] does a whole folder with either. Nothing here knows a terminal.

mod batch;
mod cache;
pub mod checks;
mod chromium;
mod failure;
mod folder;
mod image;
pub mod server;
mod service;
mod sheet;
mod shot;
mod studio;
mod three;

pub use batch::{Batch, BatchError, BatchEvent, Listener, RenderError, Renderer, Summary, read_module};
pub use cache::{PictureCache, Pruned};
pub use chromium::{Chromium, ChromiumError, GraphicsBackend, ThrownAt, Trouble, VERIFIED_VERSION};
pub use failure::{BoundingBox, Corner, Failure, Measured, Metrics, Refusal, RefusalKind};
pub use folder::{Fingerprint, OutputFolder};
pub use image::{Image, InvalidImage, LARGEST_SIZE, grid};
pub use service::{Health, RenderService, SERVICE_PATIENCE, ServiceError};
pub use sheet::{SheetError, contact_sheet};
pub use shot::{Background, Lighting, Shot};
pub use studio::{
    DrawError, Judgement, LARGEST_MODULE, RECIPE_VERSION, Studio, StudioOptions, TextRules, Trial, Wanted,
};
pub use three::{THREE_PACKAGE, Three, ThreeError, ThreeSource};
