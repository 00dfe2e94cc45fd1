//! Configurations, rendered once per scope.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use dashmap::DashMap;
use domain::Digest;
use domain::config::{Plan, Scope, TooLarge};
use domain::host::Host;
use domain::records::Intervals;
use domain::state::State;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Registry;

/// A configuration in the forms that hosts may ask for.
#[derive(Debug)]
pub struct Rendered {
    pub body: Bytes,
    pub gzip: Bytes,
    /// Hex SHA-256 of `body`.
    pub etag: String,
    /// What it tells the host about how often to call.
    pub intervals: Intervals,
}

#[derive(Default)]
pub struct Configs {
    current: ArcSwapOption<Revision>,
    /// Held while a plan is made, so that it is made once.
    making: Mutex<()>,
}

/// All that was rendered at one revision of the settings.
struct Revision {
    plan: Plan,
    rendered: DashMap<Scope, Result<Arc<Rendered>, TooLarge>>,
}

impl Configs {
    fn of(&self, state: &State) -> Arc<Revision> {
        let current = || self.current.load_full().filter(|held| held.plan.revision() == state.settings.revision);
        if let Some(current) = current() {
            return current;
        }
        let _turn = self.making.lock().expect("nothing panics while it makes a plan");
        current().unwrap_or_else(|| {
            let made = Arc::new(Revision { plan: Plan::of(state), rendered: DashMap::new() });
            self.current.store(Some(made.clone()));
            made
        })
    }
}

impl Revision {
    fn render(&self, scope: Scope) -> Result<Arc<Rendered>, TooLarge> {
        if let Some(rendered) = self.rendered.get(&scope) {
            return rendered.clone();
        }
        let rendered = self.plan.render(&scope).map(|document| {
            let gzip = gzipped(&document.body).into();
            let etag = Digest::of(&document.body).to_string();
            Arc::new(Rendered { body: document.body.into(), gzip, etag, intervals: document.intervals })
        });
        self.rendered.insert(scope, rendered.clone());
        rendered
    }
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("a vector takes all that is written")
}

impl Registry {
    /// The host's configuration as of that state of the ledger.
    pub fn config(&self, state: &State, host: &Host) -> Result<Arc<Rendered>, TooLarge> {
        let revision = self.0.configs.of(state);
        let platform = self.platform(host);
        let scope = revision.plan.scope(host.team, &platform, |label| self.has_label(state, host.id, label));
        revision.render(scope)
    }
}
