//! `os_version`, from os-release(5).

use std::collections::HashMap;

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

pub(super) fn generate(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let text = sys::trimmed("/etc/os-release").or_else(|| sys::trimmed("/usr/lib/os-release"));
    let release = parse(&text.unwrap_or_default());
    let value = |key: &str| release.get(key).cloned();
    let number = |n: usize| {
        let part = release.get("VERSION_ID").and_then(|id| id.split('.').nth(n));
        part.and_then(|part| part.parse::<i64>().ok()).unwrap_or(0)
    };
    let codename = value("VERSION_CODENAME")
        .or_else(|| release.iter().find(|(key, _)| key.contains("CODENAME")).map(|(_, name)| name.clone()));
    rows.add()
        .text("name", value("NAME").unwrap_or_else(|| "Unknown".into()))
        .text_opt("version", value("VERSION"))
        .int("major", number(0))
        .int("minor", number(1))
        .int("patch", number(2))
        .text_opt("build", value("BUILD_ID"))
        .text("platform", value("ID").unwrap_or_else(|| "posix".into()))
        .text_opt("platform_like", value("ID_LIKE"))
        .text_opt("codename", codename)
        .text("arch", rustix::system::uname().machine().to_string_lossy())
        .int("pid_with_namespace", 0);
    Ok(())
}

/// Lines of `KEY=value`, the value possibly in quotes.
fn parse(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter_map(|line| super::pair(line, '='));
    lines.map(|(key, value)| (key.to_string(), unquoted(value))).collect()
}

fn unquoted(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    match (inner('"'), inner('\'')) {
        (Some(inner), _) => {
            let mut plain = String::new();
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
            }
            plain
        }
        (None, Some(inner)) => inner.to_string(),
        (None, None) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_quoted() {
        let parsed = parse("NAME=\"A \\\"B\\\"\"\nID=debian\nVERSION='12 (x)'\n# a comment\n");
        assert_eq!(parsed["NAME"], "A \"B\"");
        assert_eq!(parsed["ID"], "debian");
        assert_eq!(parsed["VERSION"], "12 (x)");
    }
}
