//! What hosts could not do, grouped by what they said: a thousand hosts with the same message are one line.

use std::collections::BTreeMap;

use super::{counted, escaped};

/// Hosts named with each message; the others are counted.
const NAMED: usize = 5;

/// Messages and the hosts that sent them.
#[derive(Default)]
pub struct Errors(BTreeMap<String, Vec<String>>);

impl Errors {
    /// Notes one host's message.
    pub fn add(&mut self, message: &str, host: String) {
        self.0.entry(message.to_owned()).or_default().push(host);
    }

    /// Whether no host had one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hosts that sent one.
    pub fn hosts(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// A line for each message, that of most hosts first.
    pub fn lines(&self) -> Vec<String> {
        let mut groups: Vec<_> = self.0.iter().collect();
        groups.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
        groups.into_iter().map(|(message, hosts)| line(message, hosts)).collect()
    }
}

fn line(message: &str, hosts: &[String]) -> String {
    let named: Vec<_> = hosts.iter().take(NAMED).map(|host| escaped(host)).collect();
    let more = match hosts.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}: {} ({}{more})", counted(hosts.len() as u64, "host"), escaped(message), named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_messages_are_one_line_and_most_hosts_come_first() {
        let mut errors = Errors::default();
        errors.add("near \"SELEC\": syntax error", "zeta".into());
        for number in 1..=7 {
            errors.add("no such table: foo", format!("build-{number}"));
        }
        assert_eq!(
            errors.lines(),
            [
                "7 hosts: no such table: foo (build-1, build-2, build-3, build-4, build-5 and 2 more)",
                "1 host: near \"SELEC\": syntax error (zeta)",
            ]
        );
    }

    #[test]
    fn messages_and_names_are_made_safe() {
        let mut errors = Errors::default();
        errors.add("bad\u{1b}[2J", "ev\nil".into());
        assert_eq!(errors.lines(), ["1 host: bad\\u{1b}[2J (ev\\nil)"]);
    }
}
