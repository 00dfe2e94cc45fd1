//! Finds the paths that a pattern may mean, so that a table need not read the whole disk for a `LIKE`.
//!
//! As in osquery: `%` stands for any name or part of one between two slashes, `%%` at the end for everything below
//! as well, and a name without `%` is taken as it stands. A directory found by a pattern ends in a slash.
//! Unlike there, names that start with a dot are found like all others.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, FileType};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A pattern of `LIKE` (`%`, and `_` in names that have one) or of `GLOB` (`*`, `?`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Like,
    Glob,
}

impl Syntax {
    fn any(self) -> char {
        match self {
            Self::Like => '%',
            Self::Glob => '*',
        }
    }

    fn one(self) -> char {
        match self {
            Self::Like => '_',
            Self::Glob => '?',
        }
    }

    fn is_wild(self, name: &str) -> bool {
        match self {
            Self::Like => name.contains('%'),
            Self::Glob => name.contains(['*', '?', '[']),
        }
    }
}

/// How far below a directory is read; only a damaged file system goes deeper.
const DEEPEST: usize = 64;

/// All existing paths that an absolute pattern may mean, sorted; directories end in a slash.
pub(crate) fn expand(pattern: &str, syntax: Syntax) -> Vec<String> {
    let Some(relative) = pattern.strip_prefix('/') else { return Vec::new() };
    let names: Vec<&str> = relative.split('/').filter(|name| !name.is_empty()).collect();
    let twice: String = [syntax.any(); 2].iter().collect();
    let recursive = syntax == Syntax::Like && names.last().is_some_and(|name| name.ends_with(&twice));
    let mut found = vec![PathBuf::from("/")];
    for name in &names {
        found = found.iter().flat_map(|directory| step(directory, name, syntax)).collect();
    }
    let mut paths: Vec<String> = match recursive {
        true => with_all_below(found),
        false => found.iter().map(|path| shown(path, path.is_dir())).collect(),
    };
    paths.sort();
    paths
}

/// The entries of a directory that a name of the pattern may mean.
fn step(directory: &Path, name: &str, syntax: Syntax) -> Vec<PathBuf> {
    if !syntax.is_wild(name) {
        let path = directory.join(name);
        return path.symlink_metadata().map(|_| path).into_iter().collect();
    }
    let pattern: Vec<char> = name.chars().collect();
    let entries = entries(directory).into_iter();
    entries
        .filter(|path| {
            let name: Vec<char> = path.file_name().map(|n| n.to_string_lossy().chars().collect()).unwrap_or_default();
            matches(&pattern, &name, syntax)
        })
        .collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Whether a name fits. Sets (`[a-z]`) count as any one character: SQLite looks again.
fn matches(pattern: &[char], name: &[char], syntax: Syntax) -> bool {
    let Some((&first, rest)) = pattern.split_first() else { return name.is_empty() };
    if first == syntax.any() {
        return (0..=name.len()).any(|skipped| matches(rest, &name[skipped..], syntax));
    }
    let set_end =
        (syntax == Syntax::Glob && first == '[').then(|| rest.iter().skip(1).position(|&c| c == ']')).flatten();
    match (set_end, name.split_first()) {
        (_, None) => false,
        (Some(end), Some((_, name))) => matches(&rest[end + 2..], name, syntax),
        (None, Some((&letter, name))) => {
            let same = match syntax {
                Syntax::Like => letter.eq_ignore_ascii_case(&first),
                Syntax::Glob => letter == first,
            };
            (same || first == syntax.one()) && matches(rest, name, syntax)
        }
    }
}

/// The paths and everything below them. Each directory is read once, by its real path where that is among them;
/// symbolic links to directories are followed when nothing else is left.
fn with_all_below(start: Vec<PathBuf>) -> Vec<String> {
    let mut walk = Walk::default();
    for path in start {
        if let Ok(about) = path.symlink_metadata() {
            walk.find(path, about.file_type(), 0);
        }
    }
    while let Some((path, depth)) = walk.directories.pop_front().or_else(|| walk.links.pop_front()) {
        let Ok(about) = path.metadata() else { continue };
        if depth < DEEPEST && walk.read.insert((about.dev(), about.ino())) {
            for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
                if let Ok(kind) = entry.file_type() {
                    walk.find(entry.path(), kind, depth + 1);
                }
            }
        }
    }
    walk.found
}

/// A reading of everything below some directories.
#[derive(Default)]
struct Walk {
    found: Vec<String>,
    /// Directories that have been read, by device and inode.
    read: HashSet<(u64, u64)>,
    directories: VecDeque<(PathBuf, usize)>,
    /// Symbolic links to directories.
    links: VecDeque<(PathBuf, usize)>,
}

impl Walk {
    fn find(&mut self, path: PathBuf, kind: FileType, depth: usize) {
        let is_directory = kind.is_dir() || (kind.is_symlink() && path.is_dir());
        self.found.push(shown(&path, is_directory));
        if is_directory {
            let waiting = if kind.is_symlink() { &mut self.links } else { &mut self.directories };
            waiting.push_back((path, depth));
        }
    }
}

fn shown(path: &Path, is_directory: bool) -> String {
    let text = path.to_string_lossy();
    if is_directory && !text.ends_with('/') { format!("{text}/") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for directory in ["one/deep/er", "two", ".dot"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        for file in ["a.conf", "b.conf", "c.txt", ".hidden", "one/x.conf", "one/deep/er/y", "two/z.conf"] {
            fs::write(root.path().join(file), file).unwrap();
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("two/up")).unwrap();
        root
    }

    /// The paths below the tree's root.
    fn found(root: &tempfile::TempDir, pattern: &str, syntax: Syntax) -> Vec<String> {
        let root = root.path().to_str().unwrap();
        let all = expand(&format!("{root}/{pattern}"), syntax);
        all.iter().map(|path| path.strip_prefix(root).unwrap().trim_start_matches('/').to_string()).collect()
    }

    #[test]
    fn one_sign_stays_between_two_slashes() {
        let root = tree();
        assert_eq!(found(&root, "%.conf", Syntax::Like), ["a.conf", "b.conf"]);
        assert_eq!(found(&root, "%/%.conf", Syntax::Like), ["one/x.conf", "two/z.conf"]);
        assert_eq!(found(&root, "%", Syntax::Like), [".dot/", ".hidden", "a.conf", "b.conf", "c.txt", "one/", "two/"]);
        assert_eq!(found(&root, "%one", Syntax::Like), ["one/"]);
        assert_eq!(found(&root, "%_conf", Syntax::Like), ["a.conf", "b.conf"]);
        assert_eq!(found(&root, "a_conf", Syntax::Like), Vec::<String>::new());
        assert_eq!(found(&root, "*.conf", Syntax::Glob), ["a.conf", "b.conf"]);
        assert_eq!(found(&root, "[ab].con?", Syntax::Glob), ["a.conf", "b.conf", "c.txt"][..2]);
    }

    #[test]
    fn two_signs_go_all_the_way_down_and_end_in_circles() {
        let root = tree();
        let below = ["one/deep/", "one/deep/er/", "one/deep/er/y", "one/x.conf"];
        assert_eq!(found(&root, "one/%%", Syntax::Like), below);
        let all = found(&root, "%%", Syntax::Like);
        assert!(all.contains(&"two/up/".to_string()), "{all:?}");
        assert_eq!(all.iter().filter(|path| path.ends_with("er/y")).count(), 1, "{all:?}");
        let from_two = found(&root, "two/%%", Syntax::Like);
        assert!(from_two.contains(&"two/up/one/deep/er/y".to_string()), "the link is followed: {from_two:?}");
    }

    #[test]
    fn a_name_without_signs_is_taken_as_it_stands() {
        let root = tree();
        assert_eq!(found(&root, "one/x.conf", Syntax::Like), ["one/x.conf"]);
        assert_eq!(found(&root, "none", Syntax::Like), Vec::<String>::new());
        assert!(expand("relative/%", Syntax::Like).is_empty());
    }
}
