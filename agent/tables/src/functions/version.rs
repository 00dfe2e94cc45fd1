//! Versions in order: the collations `version`, `version_dpkg`, `version_rhel`, `version_arch`, and
//! `version_compare(a, b[, 'DPKG'|'RHEL'|'ARCH'])`.
//!
//! Columns such as `deb_packages.version` carry one of these, so `version < '1.10'` means what it says.
//! Each follows the rules of its package manager.

mod dpkg;
mod rpm;

use std::cmp::Ordering;

use rusqlite::{Connection, Result};

use super::{pure, refuse, text};

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_collation("version", plain)?;
    connection.create_collation("version_dpkg", dpkg::compare)?;
    connection.create_collation("version_rhel", rpm::compare)?;
    connection.create_collation("version_arch", rpm::compare_arch)?;
    connection.create_scalar_function("version_compare", -1, pure(), |c| {
        let (2 | 3) = c.len() else {
            return Err(refuse("version_compare needs two versions, and may have a flavor"));
        };
        let (Some(left), Some(right)) = (text(c, 0), text(c, 1)) else { return Ok(None) };
        let flavor = if c.len() == 3 { text(c, 2).unwrap_or_default() } else { "".into() };
        let compare = match flavor.to_ascii_uppercase().as_str() {
            "" => plain,
            "DPKG" => dpkg::compare,
            "RHEL" => rpm::compare,
            "ARCH" => rpm::compare_arch,
            _ => return Err(refuse(format!("version_compare: {flavor} is none of ARCH, DPKG, RHEL"))),
        };
        Ok(Some(compare(&left, &right) as i64))
    })
}

/// Piece by piece between `.`, `-`, `~`, `^` and `:`. The longer piece is the greater, which makes 10 follow 9.
fn plain(left: &str, right: &str) -> Ordering {
    let pieces = |version: &'_ str| -> Vec<Vec<u8>> {
        version.split(['.', '-', '~', '^', ':']).map(|piece| piece.as_bytes().to_vec()).collect()
    };
    let (left, right) = (pieces(left), pieces(right));
    let differing = left.iter().zip(&right).map(|(l, r)| l.len().cmp(&r.len()).then_with(|| l.cmp(r)));
    differing.fold(Ordering::Equal, Ordering::then).then(left.len().cmp(&right.len()))
}

/// Splits off `epoch:`; none is 0.
fn epoch(version: &str) -> (u64, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()) => {
            (epoch.parse().unwrap_or(u64::MAX), rest)
        }
        _ => (0, version),
    }
}

/// Numbers of any length, without their leading zeros.
fn by_number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::super::tests::value;
    use super::*;

    /// Checks both directions.
    pub(super) fn check(compare: fn(&str, &str) -> Ordering, left: &str, expected: Ordering, right: &str) {
        assert_eq!(compare(left, right), expected, "{left} against {right}");
        assert_eq!(compare(right, left), expected.reverse(), "{right} against {left}");
    }

    #[test]
    fn plain_versions_are_ordered_by_their_pieces() {
        check(plain, "1.0", Ordering::Equal, "1.0");
        check(plain, "1.9", Ordering::Less, "1.10");
        check(plain, "1.9.5", Ordering::Less, "1.10.0");
        check(plain, "1.2", Ordering::Greater, "1.1.5");
        check(plain, "1.2", Ordering::Less, "1.2.0");
        check(plain, "50.4.1b", Ordering::Less, "50.4.1c");
        check(plain, "20.10a", Ordering::Greater, "20.102");
    }

    #[test]
    fn the_function_has_flavors() {
        assert_eq!(value("version_compare('1.0', '1.0')").unwrap(), "0");
        assert_eq!(value("version_compare('50.4.1b', '50.4.1c')").unwrap(), "-1");
        assert_eq!(value("version_compare('4:1.1.0', '4:1.1.0-3', 'ARCH')").unwrap(), "0");
        assert_eq!(value("version_compare('1:1.2.13-2', '4.2.1', 'ARCH')").unwrap(), "1");
        assert_eq!(value("version_compare('1.0.0~rc2^2021', '1.0.0', 'RHEL')").unwrap(), "-1");
        assert_eq!(value("version_compare('1.0~rc1', '1.0', 'dpkg')").unwrap(), "-1");
        assert_eq!(value("version_compare(NULL, '1')").unwrap(), "NULL");
        assert!(value("version_compare('1', '2', 'BSD')").is_err());
        assert!(value("version_compare('1')").is_err());
    }

    #[test]
    fn the_collations_are_known_to_sql() {
        assert_eq!(value("('1.9' COLLATE VERSION < '1.10')").unwrap(), "1");
        assert_eq!(value("('1.0~rc1' COLLATE version_dpkg < '1.0')").unwrap(), "1");
        assert_eq!(value("('4:2' COLLATE VERSION_ARCH = '4:2-1')").unwrap(), "1");
        assert_eq!(value("('1.0.0' COLLATE VERSION_RHEL > '1.0.0~rc2')").unwrap(), "1");
    }
}
