//! Remote render client, Chromium driver and render server: the only crate that starts a browser.
