//! `kernel_info`: the running kernel and how it was started.

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

pub(super) fn generate(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let line = sys::trimmed("/proc/cmdline").unwrap_or_default();
    let signature = sys::trimmed("/proc/version").unwrap_or_default();
    let start = Start::parse(&line);
    rows.add()
        .text_opt("version", signature.strip_prefix("Linux version ").and_then(|s| s.split(' ').next()))
        .text("arguments", start.arguments)
        .text_opt("path", start.path)
        .text_opt("device", start.device);
    Ok(())
}

/// The kernel's command line, its image and its root told apart from the rest.
#[derive(Debug, PartialEq)]
struct Start<'a> {
    path: Option<&'a str>,
    device: Option<&'a str>,
    arguments: String,
}

impl<'a> Start<'a> {
    fn parse(line: &'a str) -> Self {
        let last = |key: &str| line.split_whitespace().filter_map(|word| word.strip_prefix(key)).next_back();
        let is_other = |word: &&str| !word.starts_with("BOOT_IMAGE=") && !word.starts_with("root=");
        let others: Vec<&str> = line.split_whitespace().filter(is_other).collect();
        Self { path: last("BOOT_IMAGE="), device: last("root="), arguments: others.join(" ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_taken_apart() {
        let start = Start::parse("BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro  rootwait quiet");
        let arguments = "ro rootwait quiet".into();
        assert_eq!(start, Start { path: Some("/boot/vmlinuz"), device: Some("/dev/vda1"), arguments });
        assert_eq!(Start::parse(""), Start { path: None, device: None, arguments: String::new() });
    }
}
