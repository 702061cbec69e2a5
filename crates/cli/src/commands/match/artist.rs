//! Whoever draws the pictures of a match: a render service at one or several addresses, or the renderer built into the tool.
//! Which pictures are wanted is not known here.

use bytes::Bytes;
use gen404_renderer::{RECIPE_VERSION, RenderError, RenderService, Renderer, Studio};
use gen404_round::view::Picture;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

use crate::arguments::StudioArguments;
use crate::commands::render;
use crate::context::Context;
use crate::errors::CommandError;
use crate::shares::shares;

/// Modules that a service gains from at the same time.
const AT_ONCE: usize = 2;

/// Draws.
#[derive(Debug)]
pub(super) struct Artist {
    means: Means,
    /// A name that changes whenever pixels may.
    pub(super) identity: String,
    places: Semaphore,
    ready: OnceCell<()>,
}

#[derive(Debug)]
enum Means {
    Service(RenderService),
    Studio(Box<Studio>),
}

impl Artist {
    /// Asks the services for their health, or looks for a browser.
    pub(super) async fn hire(
        context: &Context,
        addresses: &[Url],
        studio: &StudioArguments,
    ) -> Result<Self, CommandError> {
        if addresses.is_empty() {
            let studio = context.until_interrupted(studio.studio(&context.ui)).await?;
            let places = studio.options().browsers + 1;
            let identity = studio.identity();
            let means = Means::Studio(Box::new(studio));
            return Ok(Self { means, identity, places: Semaphore::new(places), ready: OnceCell::new() });
        }
        let (service, renderer) = context.until_interrupted(render::service(context, addresses)).await?;
        // The official service does not say what it is; what it is known to draw has a version of ours.
        let identity = renderer.unwrap_or_else(|| format!("render service {RECIPE_VERSION}"));
        let places = Semaphore::new(AT_ONCE * addresses.len());
        Ok(Self { means: Means::Service(service), identity, places, ready: OnceCell::new() })
    }

    /// These pictures of the module.
    pub(super) async fn draw(&self, source: &str, pictures: &[Picture]) -> Result<Vec<(Picture, Bytes)>, RenderError> {
        let _place = self.places.acquire().await.expect("never closed");
        match &self.means {
            Means::Service(service) => Renderer::render(service, source, pictures).await,
            Means::Studio(studio) => {
                // What this machine lacks shows before any module is blamed for it.
                self.ready.get_or_try_init(|| Renderer::prepare(&**studio)).await?;
                Renderer::render(&**studio, source, pictures).await
            }
        }
    }

    /// What each of several services did.
    pub(super) fn shares(&self) -> Option<Value> {
        match &self.means {
            Means::Service(service) if service.addresses().len() > 1 => Some(shares(service.shares())),
            Means::Service(_) | Means::Studio(_) => None,
        }
    }

    /// Ends the browsers.
    pub(super) async fn close(&self) {
        match &self.means {
            Means::Service(_) => {}
            Means::Studio(studio) => studio.close().await,
        }
    }
}
