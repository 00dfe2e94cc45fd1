//! What handlers of commands hold in memory: how they hash, and who may try to sign in when.

use std::time::Duration;

use infra_http::Limiter;

use crate::admin::password::Hasher;

#[derive(Clone, Debug)]
pub struct DeskSettings {
    /// How long a failed login takes at least, so that time tells nothing.
    pub failed_login: Duration,
    /// argon2id: KiB of memory, and passes over them.
    pub password_memory_kib: u32,
    pub password_passes: u32,
}

impl Default for DeskSettings {
    fn default() -> Self {
        DeskSettings { failed_login: Duration::from_secs(1), password_memory_kib: 19 * 1024, password_passes: 2 }
    }
}

/// A part of the [`App`](crate::App), one a process.
pub struct Desk {
    pub(crate) failed_login: Duration,
    pub(crate) logins: Limiter,
    pub(crate) hasher: Hasher,
}

impl Desk {
    pub fn new(settings: DeskSettings) -> Self {
        let hasher = Hasher::new(settings.password_memory_kib, settings.password_passes);
        Desk { failed_login: settings.failed_login, logins: Limiter::logins(), hasher }
    }
}

impl Default for Desk {
    fn default() -> Self {
        Desk::new(DeskSettings::default())
    }
}
