//! The order of RPM and of Arch's pacman: runs of digits and of letters; `~` sorts before the end, `^` after it.

use std::cmp::Ordering;

use super::{by_number, epoch};

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let ((left_epoch, left), (right_epoch, right)) = (epoch(left), epoch(right));
    let ((left, left_release), (right, right_release)) = (release(left), release(right));
    let releases = || part(left_release.unwrap_or_default(), right_release.unwrap_or_default());
    left_epoch.cmp(&right_epoch).then_with(|| part(left, right)).then_with(releases)
}

/// As RPM, but a version without a release stands for all of its releases.
pub(super) fn compare_arch(left: &str, right: &str) -> Ordering {
    let ((left_epoch, left), (right_epoch, right)) = (epoch(left), epoch(right));
    let ((left, left_release), (right, right_release)) = (release(left), release(right));
    let releases = || left_release.zip(right_release).map_or(Ordering::Equal, |(l, r)| part(l, r));
    left_epoch.cmp(&right_epoch).then_with(|| part(left, right)).then_with(releases)
}

fn release(version: &str) -> (&str, Option<&str>) {
    match version.rsplit_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (version, None),
    }
}

fn part(mut left: &str, mut right: &str) -> Ordering {
    loop {
        // Whatever else stands between the runs only separates them.
        let noise = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
        left = left.trim_start_matches(noise);
        right = right.trim_start_matches(noise);
        if let Some(order) = mark(&mut left, &mut right, '~', Ordering::Greater) {
            return order;
        }
        if let Some(order) = mark(&mut left, &mut right, '^', Ordering::Less) {
            return order;
        }
        if left.starts_with(['~', '^']) || right.starts_with(['~', '^']) {
            continue;
        }
        if left.is_empty() || right.is_empty() {
            return left.len().min(1).cmp(&right.len().min(1));
        }
        let digits = left.starts_with(|c: char| c.is_ascii_digit());
        let (left_run, right_run) = (run(&mut left, digits), run(&mut right, digits));
        let order = match (right_run.is_empty(), digits) {
            // A number is newer than letters.
            (true, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, true) => by_number(left_run, right_run),
            (false, false) => left_run.cmp(right_run),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes a mark from both, or says which side is the greater when only one has it: `without` is the order of a
/// side that goes on (or ends) without the mark against one that has it, except that an end is always below `^`.
fn mark(left: &mut &str, right: &mut &str, sign: char, without: Ordering) -> Option<Ordering> {
    match (left.strip_prefix(sign), right.strip_prefix(sign)) {
        (None, None) => None,
        (Some(l), Some(r)) => {
            (*left, *right) = (l, r);
            None
        }
        (Some(_), None) if sign == '^' && !right.is_empty() => Some(Ordering::Less),
        (None, Some(_)) if sign == '^' && !left.is_empty() => Some(Ordering::Greater),
        (None, Some(_)) => Some(without),
        (Some(_), None) => Some(without.reverse()),
    }
}

fn run<'a>(text: &mut &'a str, digits: bool) -> &'a str {
    let fits = |c: char| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn versions_are_in_rpms_order() {
        // Cases of rpm's own documentation of version comparison.
        check(compare, "1.0", Ordering::Equal, "1.0");
        check(compare, "1.0", Ordering::Less, "2.0");
        check(compare, "2.0.1", Ordering::Greater, "2.0");
        check(compare, "5.5p1", Ordering::Less, "5.5p10");
        check(compare, "10xyz", Ordering::Less, "10.1xyz");
        check(compare, "xyz10", Ordering::Less, "xyz10.1");
        check(compare, "xyz.4", Ordering::Less, "8");
        check(compare, "1.0010", Ordering::Greater, "1.9");
        check(compare, "1.05", Ordering::Equal, "1.5");
        check(compare, "2_0", Ordering::Equal, "2.0");
        check(compare, "1.0~rc1", Ordering::Less, "1.0");
        check(compare, "1.0~rc1", Ordering::Less, "1.0~rc2");
        check(compare, "1.0~rc1~git123", Ordering::Less, "1.0~rc1");
        check(compare, "1.0^", Ordering::Greater, "1.0");
        check(compare, "1.0^git1", Ordering::Less, "1.0^git2");
        check(compare, "1.0^git1", Ordering::Less, "1.01");
        check(compare, "1.0^20160101", Ordering::Less, "1.0.1");
        check(compare, "1.0~rc1^git1", Ordering::Greater, "1.0~rc1");
        check(compare, "1.0^git1~pre", Ordering::Less, "1.0^git1");
        check(compare, "1:1.0-1", Ordering::Greater, "9.0-1");
        check(compare, "1.1.0~BETA2", Ordering::Less, "1.1.0~CR1");
        check(compare, "1.0-1.el9", Ordering::Less, "1.0-2.el9");
    }

    #[test]
    fn arch_leaves_out_the_release_when_one_has_none() {
        check(compare_arch, "4:2", Ordering::Equal, "4:2-1");
        check(compare_arch, "2-2pre", Ordering::Less, "2-2rc");
        check(compare_arch, "42.2-1", Ordering::Greater, "42.1-2");
    }
}
