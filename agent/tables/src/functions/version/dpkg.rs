//! Debian's order (deb-version(7)): epoch, upstream version, revision; `~` sorts before the end of a part.

use std::cmp::Ordering;

use super::{by_number, epoch};

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let ((left_epoch, left), (right_epoch, right)) = (epoch(left), epoch(right));
    let ((left, left_revision), (right, right_revision)) = (revision(left), revision(right));
    left_epoch.cmp(&right_epoch).then_with(|| part(left, right)).then_with(|| part(left_revision, right_revision))
}

fn revision(version: &str) -> (&str, &str) {
    version.rsplit_once('-').unwrap_or((version, ""))
}

/// Compares runs of other characters and runs of digits in turn.
fn part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_letters, right_letters) = (run(&mut left, false), run(&mut right, false));
        let (left_digits, right_digits) = (run(&mut left, true), run(&mut right, true));
        let order = letters(left_letters, right_letters).then_with(|| by_number(left_digits, right_digits));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the leading characters that are digits, or that are not.
fn run<'a>(text: &mut &'a str, digits: bool) -> &'a str {
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

/// `~`, then the end, then letters, then all others.
fn letters(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(byte),
        Some(byte) => i32::from(byte) + 256,
    };
    let at = |text: &str, n: usize| weight(text.as_bytes().get(n).copied());
    let longest = left.len().max(right.len());
    (0..longest).map(|n| at(left, n).cmp(&at(right, n))).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn versions_are_in_debians_order() {
        // The first line is the example of deb-version(7).
        let ordered = ["~~", "~~a", "~", "", "a"];
        for pair in ordered.windows(2) {
            check(compare, pair[0], Ordering::Less, pair[1]);
        }
        check(compare, "1:2.0-10", Ordering::Equal, "1:2.0-10");
        check(compare, "0:1.0", Ordering::Equal, "1.0");
        check(compare, "1.0-0", Ordering::Equal, "1.0");
        check(compare, "1.01", Ordering::Equal, "1.1");
        check(compare, "2:1.0", Ordering::Greater, "1:9.9");
        check(compare, "1.0~rc1-1", Ordering::Less, "1.0-1");
        check(compare, "1.0-1+b1", Ordering::Greater, "1.0-1");
        check(compare, "1.0-1~bpo12+1", Ordering::Less, "1.0-1");
        check(compare, "22.07.5-2ubuntu1.3", Ordering::Less, "22.07.5-2ubuntu1.4");
        check(compare, "2:8.2.3995-1ubuntu2.10", Ordering::Greater, "2:8.2.3995-1ubuntu2.9");
    }

    #[test]
    fn dpkg_agrees() {
        let versions =
            ["1.0", "1.0-1", "1.0~1", "1:0.1", "1.0+dfsg-1", "1.0a", "1.0.1", "1.00", "2023.1~", "1-1-1", "1.0-1.1"];
        for left in versions {
            for right in versions {
                let says = |op: &str| {
                    let asked =
                        std::process::Command::new("dpkg").args(["--compare-versions", left, op, right]).status();
                    asked.map(|status| status.success())
                };
                let Ok(less) = says("lt") else { return };
                let expected = match (less, says("eq").unwrap()) {
                    (true, _) => Ordering::Less,
                    (_, true) => Ordering::Equal,
                    _ => Ordering::Greater,
                };
                assert_eq!(compare(left, right), expected, "{left} against {right}");
            }
        }
    }
}
