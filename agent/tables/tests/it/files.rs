//! `file` and `hash` against stat(1), md5sum(1) and the like.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use crate::support::{column, error, row, rows, run, tuples};

/// A folder with one of each kind of file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("plain.txt"), "plain").unwrap();
    fs::set_permissions(at("plain.txt"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::create_dir_all(at("sub/deeper")).unwrap();
    fs::write(at("sub/deeper/last.txt"), "last").unwrap();
    fs::write(at(".hidden.txt"), "hidden").unwrap();
    symlink(at("plain.txt"), at("link")).unwrap();
    symlink("nowhere", at("broken")).unwrap();
    run("mkfifo", &[at("pipe").to_str().unwrap()]);
    drop(UnixListener::bind(at("socket")).unwrap());
    folder
}

#[test]
fn files_are_as_stat_sees_them() {
    let folder = folder();
    let folder = folder.path().display();
    let compared = rows(&format!("SELECT * FROM file WHERE directory = '{folder}' AND filename != 'broken'"));
    assert_eq!(compared.len(), 6);
    for file in compared {
        let format = "%i %u %g %a %s %o %X %Y %Z %W %h %F";
        let said = run("stat", &["-L", "-c", format, &file["path"]]);
        let said: Vec<&str> = said.trim().splitn(12, ' ').collect();
        let columns =
            ["inode", "uid", "gid", "", "size", "block_size", "atime", "mtime", "ctime", "btime", "hard_links"];
        for (column, said) in columns.iter().zip(&said).filter(|(column, _)| !column.is_empty()) {
            assert_eq!(&file[*column], *said, "{column} of {file:?}");
        }
        assert_eq!(file["mode"].trim_start_matches('0'), said[3], "{file:?}");
        let kind = said[11].replace(" file", "").replace("regular empty", "regular");
        assert_eq!(&file["type"], kind, "{file:?}");
    }
    let device = row("SELECT device, type FROM file WHERE path = '/dev/null'");
    assert_eq!((&device["device"], &device["type"]), ("259", "character"), "major 1, minor 3");
}

#[test]
fn links_show_what_they_lead_to() {
    let folder = folder();
    let at = folder.path().display();
    let link = row(&format!("SELECT * FROM file WHERE path = '{at}/link'"));
    assert_eq!((&link["symlink"], &link["type"], &link["size"]), ("1", "regular", "5"));
    assert_eq!(&link["symlink_target_path"], format!("{at}/plain.txt"));
    let broken = row(&format!("SELECT * FROM file WHERE path = '{at}/broken'"));
    assert_eq!((&broken["symlink"], &broken["type"], &broken["symlink_target_path"]), ("1", "unknown", "nowhere"));
    let plain = row(&format!("SELECT * FROM file WHERE path = '{at}/plain.txt'"));
    assert_eq!((&plain["symlink"], &plain["symlink_target_path"], &plain["mode"]), ("0", "", "4751"));
}

#[test]
fn a_path_tells_its_directory_and_name() {
    for (path, directory, name) in
        [("/etc/passwd", "/etc", "passwd"), ("/etc", "/", "etc"), ("/", "", "/"), ("/etc/", "/etc", ".")]
    {
        let file = row(&format!("SELECT directory, filename FROM file WHERE path = '{path}'"));
        assert_eq!((&file["directory"], &file["filename"]), (directory, name), "{path}");
    }
    assert_eq!(rows("SELECT * FROM file WHERE path = '/no/such/file'"), vec![]);
    assert_eq!(rows("SELECT * FROM file WHERE path = ''"), vec![]);
    assert_eq!(rows("SELECT * FROM file WHERE directory = '/etc/passwd'"), vec![]);
}

#[test]
fn directories_and_patterns_find_what_find_finds() {
    let folder = folder();
    let at = folder.path().to_str().unwrap();
    let find = |arguments: &[&str]| {
        let found = run("find", &[&[at], arguments].concat());
        let mut found: Vec<String> = found.lines().map(str::to_string).collect();
        found.sort();
        found
    };
    // A directory that a pattern finds ends in a slash.
    let ours = |sql: &str| {
        let found = column(sql);
        assert!(found.iter().all(|path| path.ends_with('/') == std::path::Path::new(path).is_dir()), "{found:?}");
        let mut found: Vec<_> = found.iter().map(|path| path.trim_end_matches('/').to_string()).collect();
        found.sort();
        found
    };
    let one_level = find(&["-mindepth", "1", "-maxdepth", "1"]);
    let mut in_directory = column(&format!("SELECT path FROM file WHERE directory = '{at}'"));
    in_directory.sort();
    assert_eq!(in_directory, one_level);
    assert_eq!(ours(&format!("SELECT path FROM file WHERE path LIKE '{at}/%'")), one_level);
    let all_levels = find(&["-mindepth", "1"]);
    assert_eq!(ours(&format!("SELECT path FROM file WHERE path LIKE '{at}/%%'")), all_levels);
    let texts = find(&["-maxdepth", "1", "-name", "*.txt"]);
    assert_eq!(ours(&format!("SELECT path FROM file WHERE path LIKE '{at}/%.txt'")), texts);
    assert_eq!(ours(&format!("SELECT path FROM file WHERE path GLOB '{at}/*.txt'")), texts);
    assert_eq!(ours(&format!("SELECT path FROM file WHERE path LIKE '{at}/%/%'")), [format!("{at}/sub/deeper")]);
    let below = tuples(&format!("SELECT directory, path FROM file WHERE directory LIKE '{at}/sub/%'"));
    assert_eq!(below, [[format!("{at}/sub/deeper/"), format!("{at}/sub/deeper/last.txt")]]);
    let both = format!("SELECT path FROM file WHERE path IN ('{at}/plain.txt', '{at}/link', '{at}/none')");
    assert_eq!(tuples(&both), [[format!("{at}/link")], [format!("{at}/plain.txt")]]);
}

#[test]
fn digests_are_those_of_the_sum_programs() {
    let folder = folder();
    let at = folder.path().display();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("large"), vec![7u8; 300_000]).unwrap();
    let hashed = rows(&format!("SELECT * FROM hash WHERE directory = '{at}'"));
    let names: Vec<&str> = hashed.iter().map(|row| row["path"].rsplit_once('/').unwrap().1).collect();
    assert_eq!(names, [".hidden.txt", "empty", "large", "link", "plain.txt"], "regular files and links to them");
    for file in &hashed {
        for (digest, program) in [("md5", "md5sum"), ("sha1", "sha1sum"), ("sha256", "sha256sum")] {
            let said = run(program, &[&file["path"]]);
            assert_eq!(&file[digest], said.split(' ').next().unwrap(), "{digest} of {}", &file["path"]);
        }
    }
    assert_eq!(rows(&format!("SELECT * FROM hash WHERE path = '{at}/sub'")), vec![]);
    assert_eq!(rows(&format!("SELECT path FROM hash WHERE path LIKE '{at}/%.txt'")).len(), 2);
}

#[test]
fn of_several_patterns_one_that_says_where_is_enough() {
    let folder = folder();
    let at = folder.path().display();
    let sql =
        format!("SELECT filename FROM file WHERE path LIKE '%.txt' AND path LIKE '{at}/%' AND path GLOB '*plain*'");
    assert_eq!(column(&sql), ["plain.txt"]);
    for sql in ["SELECT * FROM file WHERE path LIKE '%.txt'", "SELECT * FROM hash WHERE directory GLOB '*x*'"] {
        assert!(error(sql).contains("starts with a slash"), "{sql}: {}", error(sql));
    }
}
