//! Hosts by what people call them.

use domain::Members;

use crate::App;

/// Hosts with these hostnames, UUIDs or serial numbers, without regard to case. Unknown and blank names add nobody.
pub fn hosts_named(app: &App, names: &[String]) -> Members {
    app.registry.find_each(names).values().fold(Members::default(), |all, found| all.or(found))
}
