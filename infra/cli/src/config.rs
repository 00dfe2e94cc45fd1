//! The configuration file: the server, its CA and the session's token.
//!
//! It holds a token that is as good as a password, so it is written for its owner alone, and as a whole:
//! a new file beside the old one takes its place in one step.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::output;
use crate::secret::Secret;

/// What `musterctl login` remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Address of the server, with `https://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// PEM file with the CA that signed the server's certificate; absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Who logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The session's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

impl Config {
    /// Reads the file; one that does not exist is an empty one.
    pub fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let config: Self = toml::from_str(&text)
            .map_err(|error| anyhow::anyhow!("{} is damaged: {}", path.display(), error.message()))
            .context("remove the file, or mend it, and run `musterctl login`")?;
        if config.token.is_some() {
            warn_if_others_can_read(path);
        }
        Ok(config)
    }

    /// Replaces the file; only its owner can read the new one. Folders that are missing are made.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.replace(path).with_context(|| format!("cannot write {}", path.display()))
    }

    fn replace(&self, path: &Path) -> Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Made with mode 0600 from its first byte on.
        let mut file = tempfile::Builder::new().prefix(".musterctl-").tempfile_in(folder)?;
        file.write_all(toml::to_string(self)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|refused| refused.error)?;
        Ok(())
    }
}

/// Where the file is when neither `--config` nor `MUSTER_CONFIG` says so.
///
/// Errors: when the environment names no home folder.
pub fn default_path() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = match (set("XDG_CONFIG_HOME").filter(|folder| folder.is_absolute()), set("HOME")) {
        (Some(folder), _) => folder,
        (None, Some(home)) => home.join(".config"),
        (None, None) => bail!("cannot tell where the configuration file is: set HOME, or name the file with --config"),
    };
    Ok(folder.join("muster").join("musterctl.toml"))
}

fn warn_if_others_can_read(path: &Path) {
    let Ok(facts) = std::fs::metadata(path) else { return };
    if facts.permissions().mode() & 0o077 != 0 {
        output::notice(&format!("warning: other users can read the token in {0}: run `chmod 600 {0}`", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_only_the_owner_can() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/musterctl.toml");
        let config = Config {
            server: Some("https://muster.example:8080".into()),
            ca: Some("/etc/muster/ca.pem".into()),
            email: None,
            token: Some(Secret::new("t0ken")),
        };
        config.write(&path).unwrap();
        assert_eq!(Config::read(&path).unwrap(), config);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn an_open_file_is_closed_when_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("musterctl.toml");
        std::fs::write(&path, "server = \"https://a\"\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        Config::default().write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn no_file_is_an_empty_one_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("musterctl.toml");
        assert_eq!(Config::read(&path).unwrap(), Config::default());
        std::fs::write(&path, "server = [").unwrap();
        let said = format!("{:#}", Config::read(&path).unwrap_err());
        assert!(said.contains("musterctl.toml is damaged") && said.contains("musterctl login"), "{said}");
    }

    #[test]
    fn a_token_is_not_shown_when_printed() {
        let shown = format!("{:?}", Config { token: Some(Secret::new("t0ken")), ..Config::default() });
        assert!(!shown.contains("t0ken"), "{shown}");
    }
}
