//! Keys that are safe as paths, object names and log fields alike.

/// The longest key, and the longest segment of one, in bytes.
const LONGEST: usize = 512;
const LONGEST_SEGMENT: usize = 128;

/// A key that every store takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a>(&'a str);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "blob key {0:?} is not usable: it must be segments of letters, digits, '.', '_' and '-' joined by '/', none starting with '.'"
)]
pub struct KeyError(String);

impl<'a> Key<'a> {
    /// Checks a key: nothing in it can leave the folder, hide in it, or mean different things to different stores.
    pub fn parse(text: &'a str) -> Result<Self, KeyError> {
        let good_segment = |segment: &str| {
            !segment.is_empty()
                && segment.len() <= LONGEST_SEGMENT
                && !segment.starts_with('.')
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if text.len() <= LONGEST && text.split('/').all(good_segment) {
            Ok(Key(text))
        } else {
            Err(KeyError(text.chars().take(LONGEST).collect()))
        }
    }

    pub fn as_str(self) -> &'a str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_keys() {
        for good in ["a", "carves/7/0000000001", "snapshots/ledger-12.json.zst", "A_b-C.9"] {
            assert_eq!(Key::parse(good).map(Key::as_str), Ok(good));
        }
    }

    #[test]
    fn whatever_could_leave_the_folder_is_refused() {
        let long = "x".repeat(LONGEST_SEGMENT + 1);
        let deep = vec!["abc"; 200].join("/");
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "../a",
            "a/../b",
            "a/.",
            ".hidden",
            "a\\b",
            "a b",
            "a\0b",
            "ä",
            &long,
            &deep,
        ] {
            assert!(Key::parse(bad).is_err(), "{bad:?}");
        }
    }
}
