//! `deb_packages`: the packages of dpkg's own database.

use std::fs;
use std::path::Path;

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;
use crate::tables::pair;

const ADMIN_DIR: &str = "/var/lib/dpkg";

/// A constraint on `admindir` reads another database, e.g. that of a mounted image.
pub(super) fn generate(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let admin_dir = scan.equal_to("admindir").unwrap_or(ADMIN_DIR);
    for text in databases(Path::new(admin_dir)) {
        for package in text.split("\n\n").filter_map(Package::parse).filter(Package::is_known) {
            add(rows, &package, admin_dir);
        }
    }
    Ok(())
}

/// `status`, and the one-package files in `status.d` that images without a package manager have.
fn databases(admin_dir: &Path) -> Vec<String> {
    let mut files = vec![admin_dir.join("status")];
    let more = fs::read_dir(admin_dir.join("status.d")).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut more: Vec<_> = more.filter(|path| path.extension().is_none_or(|kind| kind != "md5sums")).collect();
    more.sort();
    files.append(&mut more);
    files.iter().map(sys::text).collect()
}

fn add(rows: &mut Rows, package: &Package<'_>, admin_dir: &str) {
    let revision = package.version.rsplit_once('-').map_or("", |(_, revision)| revision);
    rows.add()
        .text("name", package.name)
        .text("version", package.version)
        .text("source", package.source)
        .int_opt("size", package.size.parse::<i64>().ok())
        .text("arch", package.arch)
        .text("revision", revision)
        .text("status", package.status)
        .text("maintainer", package.maintainer)
        .text("section", package.section)
        .text("priority", package.priority)
        .text("admindir", admin_dir)
        .int("pid_with_namespace", 0);
}

#[derive(Default)]
struct Package<'a> {
    name: &'a str,
    version: &'a str,
    source: &'a str,
    /// Installed size in KiB.
    size: &'a str,
    arch: &'a str,
    status: &'a str,
    maintainer: &'a str,
    section: &'a str,
    priority: &'a str,
}

impl<'a> Package<'a> {
    /// A paragraph of `Field: value` lines; lines that go on start with a space and are of no use here.
    fn parse(paragraph: &'a str) -> Option<Self> {
        let mut package = Self::default();
        for line in paragraph.lines().filter(|line| !line.starts_with([' ', '\t'])) {
            let Some((field, value)) = pair(line, ':') else { continue };
            match field {
                "Package" => package.name = value,
                "Version" => package.version = value,
                "Source" => package.source = value,
                "Installed-Size" => package.size = value,
                "Architecture" => package.arch = value,
                "Status" => package.status = value,
                "Maintainer" => package.maintainer = value,
                "Section" => package.section = value,
                "Priority" => package.priority = value,
                _ => {}
            }
        }
        (!package.name.is_empty()).then_some(package)
    }

    /// dpkg does not list what was never installed, or was removed with all of its configuration.
    fn is_known(&self) -> bool {
        !self.status.ends_with(" not-installed")
    }
}
