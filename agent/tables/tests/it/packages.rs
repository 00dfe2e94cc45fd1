//! Packages against dpkg-query(1).

use std::fs;

use crate::support::{row, rows, run, tuples};

#[test]
fn packages_are_those_of_dpkg_query() {
    let format = "${Package}\\t${Version}\\t${Architecture}\\t${Status}\\t${Maintainer}\\t${Section}\\t${Priority}\\t${Installed-Size}\\n";
    let text = run("dpkg-query", &["-W", "-f", format]);
    let mut expected: Vec<Vec<String>> =
        text.lines().map(|line| line.split('\t').map(str::to_string).collect()).collect();
    expected.sort();
    let ours = tuples("SELECT name, version, arch, status, maintainer, section, priority, size FROM deb_packages");
    assert!(ours.len() > 50);
    assert_eq!(ours, expected);
}

#[test]
fn sources_are_those_of_dpkg_query() {
    let text = run("dpkg-query", &["-W", "-f", "${Package} ${source:Package} ${source:Version}\\n"]);
    for line in text.lines().filter(|line| line.starts_with("lib")).take(40) {
        let [name, source, version] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        for package in rows(&format!("SELECT source, version, revision FROM deb_packages WHERE name = '{name}'")) {
            // dpkg leaves the field out where the source has the name (and version) of the package.
            let said = match &package["source"] {
                "" => name.to_string(),
                field => field.split(' ').next().unwrap().to_string(),
            };
            assert_eq!(said, source, "{name}");
            if !package["source"].contains('(') {
                assert_eq!(&package["version"], version, "{name}");
            }
            let revision = package["version"].rsplit_once('-').map_or("", |(_, revision)| revision);
            assert_eq!(&package["revision"], revision, "{name}");
        }
    }
}

#[test]
fn versions_are_compared_as_dpkg_does() {
    let sql = "SELECT count(*) AS n FROM deb_packages WHERE name = 'dpkg' AND version > '1.9' AND version < '1:0'";
    assert_eq!(&row(sql)["n"], "1");
}

#[test]
fn another_database_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let admin = folder.path();
    fs::create_dir(admin.join("status.d")).unwrap();
    let status = "Package: one\nStatus: install ok installed\nVersion: 1:1.0-2\nInstalled-Size: 12\nDescription: a\n Package: not this\n\n\
                  Package: gone\nStatus: purge ok not-installed\nVersion: 1\n\n\
                  Package: left\nStatus: deinstall ok config-files\nVersion: 2\n";
    fs::write(admin.join("status"), status).unwrap();
    fs::write(admin.join("status.d/two"), "Package: two\nVersion: 2.0\n").unwrap();
    fs::write(admin.join("status.d/two.md5sums"), "Package: sums\nVersion: 2.0\n").unwrap();
    let sql = format!("SELECT name, version, size, revision FROM deb_packages WHERE admindir = '{}'", admin.display());
    let expected = [["left", "2", "", ""], ["one", "1:1.0-2", "12", "2"], ["two", "2.0", "", ""]];
    assert_eq!(tuples(&sql), expected);
    assert_eq!(rows("SELECT * FROM deb_packages WHERE admindir = '/no/such/folder'"), vec![]);
}
