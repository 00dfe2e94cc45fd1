//! `disk_encryption`: which block devices are encrypted, as far as the device mapper tells without secrets.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys::trimmed;

const BLOCK: &str = "/sys/class/block";

/// A device is encrypted when it is the open side of a crypt mapping, or lies on one.
pub(super) fn generate(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let devices = Devices::read();
    for name in devices.below.keys() {
        let device = format!("/dev/{}", name.replace('!', "/"));
        if scan.equal_to("name").is_some_and(|wanted| wanted != device) {
            continue;
        }
        let kind = devices.encryption(name, 0);
        rows.add()
            .text("uuid", devices.uuids.get(&device).cloned().unwrap_or_default())
            .int("encrypted", kind.is_some())
            .text("encryption_status", if kind.is_some() { "encrypted" } else { "not encrypted" })
            .text("type", kind.unwrap_or_default())
            .text("name", device);
    }
    Ok(())
}

struct Devices {
    /// The devices that each lies on: the disk of a partition, what a mapping maps.
    below: BTreeMap<String, Vec<String>>,
    /// The kind of each crypt mapping.
    crypt: HashMap<String, String>,
    /// File system ids by device path.
    uuids: HashMap<String, String>,
}

impl Devices {
    fn read() -> Self {
        let mut devices = Self { below: BTreeMap::new(), crypt: HashMap::new(), uuids: uuids() };
        for entry in fs::read_dir(BLOCK).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let at = Path::new(BLOCK).join(&name);
            let mut below = names(&at.join("slaves"));
            if at.join("partition").exists() {
                below.extend(disk_of(&at));
            }
            if let Some(kind) = trimmed(at.join("dm/uuid")).as_deref().and_then(crypt_kind) {
                devices.crypt.insert(name.clone(), kind);
            }
            devices.below.insert(name, below);
        }
        devices
    }

    fn encryption(&self, name: &str, depth: usize) -> Option<String> {
        // Mappings do not go in circles; this only guards against a table that changes while it is read.
        if depth > 16 {
            return None;
        }
        let own = self.crypt.get(name).cloned();
        own.or_else(|| self.below.get(name)?.iter().find_map(|below| self.encryption(below, depth + 1)))
    }
}

/// `LUKS2` of `CRYPT-LUKS2-…`. Verity and integrity mappings guard data but hide nothing.
fn crypt_kind(uuid: &str) -> Option<String> {
    let kind = uuid.strip_prefix("CRYPT-")?.split('-').next()?;
    (!matches!(kind, "VERITY" | "INTEGRITY" | "SUBDEV")).then(|| kind.to_string())
}

fn disk_of(partition: &Path) -> Option<String> {
    let real = fs::canonicalize(partition).ok()?;
    Some(real.parent()?.file_name()?.to_string_lossy().into_owned())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn uuids() -> HashMap<String, String> {
    let links = fs::read_dir("/dev/disk/by-uuid").into_iter().flatten().flatten();
    let by_device = links.filter_map(|link| {
        let device = fs::canonicalize(link.path()).ok()?;
        Some((device.to_string_lossy().into_owned(), link.file_name().to_string_lossy().into_owned()))
    });
    by_device.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(below: &[(&str, &[&str])], crypt: &[(&str, &str)]) -> Devices {
        let owned = |names: &[&str]| names.iter().map(|n| n.to_string()).collect();
        Devices {
            below: below.iter().map(|(name, below)| (name.to_string(), owned(below))).collect(),
            crypt: crypt.iter().map(|(name, kind)| (name.to_string(), kind.to_string())).collect(),
            uuids: HashMap::new(),
        }
    }

    #[test]
    fn what_lies_on_an_encrypted_device_is_encrypted() {
        let below: &[(&str, &[&str])] =
            &[("sda", &[]), ("sda1", &["sda"]), ("sda2", &["sda"]), ("dm-0", &["sda2"]), ("dm-1", &["dm-0"])];
        let devices = devices(below, &[("dm-0", "LUKS2")]);
        let kinds = ["sda", "sda1", "sda2", "dm-0", "dm-1"].map(|name| devices.encryption(name, 0));
        assert_eq!(kinds, [None, None, None, Some("LUKS2".into()), Some("LUKS2".into())]);
    }

    #[test]
    fn only_mappings_that_hide_data_count() {
        assert_eq!(crypt_kind("CRYPT-LUKS2-abc-root").as_deref(), Some("LUKS2"));
        assert_eq!(crypt_kind("CRYPT-PLAIN-x").as_deref(), Some("PLAIN"));
        assert_eq!(crypt_kind("CRYPT-VERITY-x-usr"), None);
        assert_eq!(crypt_kind("LVM-abc"), None);
    }
}
