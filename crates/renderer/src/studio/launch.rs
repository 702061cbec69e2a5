//! How a studio gets its browsers: started as well confined as this machine allows, with the render page loaded.
//! It knows nothing of modules.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, Once, PoisonError};

use gen404_outside::explain::Explain;
use tokio::time::timeout;

use super::{BOOT_LIMIT, DrawError, Seat, Studio};
use crate::chromium::{Browser, ChromiumError, Confinement, LaunchOptions, Tab};
use crate::three::Three;

impl Studio {
    pub(super) async fn new_seat(&self) -> Result<Seat, DrawError> {
        let three = self.three.get_or_try_init(|| Three::load(&self.options.three)).await.map_err(Arc::new)?;
        let launch = LaunchOptions {
            chromium: self.options.chromium.clone(),
            graphics: self.options.graphics,
            heap_limit: self.options.heap_limit,
            memory_limit: self.options.memory_limit,
            temporary_folder: self.options.temporary_folder.clone(),
        };
        let browser = self.launch(&launch).await.map_err(|error| self.without_browser(error))?;
        let late = ChromiumError::Unresponsive { what: "load the render page", limit: BOOT_LIMIT };
        match timeout(BOOT_LIMIT, Tab::open(&browser, three, self.options.pictures)).await.unwrap_or(Err(late)) {
            Ok(tab) => Ok(Seat { browser, tab, has_history: false }),
            Err(error) => {
                browser.close().await;
                Err(self.without_browser(error))
            }
        }
    }

    /// A browser as well confined as this machine allows, which the first one finds out.
    async fn launch(&self, options: &LaunchOptions) -> Result<Browser, ChromiumError> {
        let known = *self.lock_confinement();
        if let Some(confinement) = known {
            return Browser::launch(options, confinement).await;
        }
        let mut first_error = None;
        for confinement in Confinement::ways(options.graphics) {
            match Browser::launch(options, confinement).await {
                Ok(browser) => {
                    *self.lock_confinement() = Some(confinement);
                    if let Some(shortcoming) = confinement.shortcoming() {
                        say_once(shortcoming, first_error.as_ref());
                    }
                    return Ok(browser);
                }
                // One that hangs would only hang again.
                Err(error @ ChromiumError::Unresponsive { .. }) => return Err(first_error.unwrap_or(error)),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.expect("there is a way to confine a browser"))
    }

    /// A browser that fails where others have worked may have met a full machine; the first of all tells of the rest.
    pub(super) fn without_browser(&self, error: ChromiumError) -> DrawError {
        if self.proven.load(Ordering::Relaxed) { DrawError::Chromium(error) } else { DrawError::Unusable(error) }
    }

    fn lock_confinement(&self) -> MutexGuard<'_, Option<Confinement>> {
        self.confinement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says once in the life of this process that modules are not kept within a sandbox, and what stands in its way.
fn say_once(shortcoming: &'static str, obstacle: Option<&ChromiumError>) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let reason = obstacle.map(|error| format!(" ({error})")).unwrap_or_default();
        let hint = obstacle.and_then(Explain::hint).map(|hint| format!("; {hint}")).unwrap_or_default();
        tracing::warn!("{shortcoming}{reason}{hint}");
    });
}
