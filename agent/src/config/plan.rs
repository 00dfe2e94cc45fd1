//! What of a configuration this machine runs, under which names and how often.

use std::collections::HashSet;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::Config;
use super::pack::{MAIN, Pack, Query, Restriction};
use crate::flags::Flags;
use crate::ports::{Dice, between};
use crate::state::State;

/// What restrictions are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `platform` of os_version: `ubuntu`.
    pub platform: String,
    /// The version of osquery whose tables are spoken.
    pub version: String,
    pub hostname: String,
}

/// What this machine runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub packs: Vec<PlannedPack>,
    /// One sentence for each query that cannot be planned.
    pub complaints: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPack {
    pub name: String,
    pub discovery: Vec<String>,
    pub queries: Vec<Scheduled>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// With its pack: `pack/Global/usb`.
    pub name: String,
    pub sql: String,
    /// Seconds, as configured.
    pub interval: u64,
    /// Seconds, as drawn for this machine.
    pub splayed: u64,
    pub snapshot: bool,
    pub removed: bool,
    pub denylist: bool,
}

impl Plan {
    /// Drops what is restricted to other machines and draws the intervals.
    ///
    /// While the disk fails, intervals are drawn anew.
    pub fn make(config: &Config, flags: &Flags, machine: &Machine, state: &State, dice: &dyn Dice) -> Plan {
        let mut plan = Plan::default();
        let mut names = HashSet::new();
        for pack in config.packs.iter().filter(|pack| machine.may_run(&pack.restriction)) {
            let mut queries: Vec<Scheduled> = Vec::new();
            for query in pack.queries.iter().filter(|query| machine.may_run(&query.restriction)) {
                let name = full_name(pack, query, flags.text("pack_delimiter"));
                if is_reserved(&name) {
                    plan.complaints.push(format!("the query {name} is left out: that name is reserved"));
                } else if !names.insert(name.clone()) {
                    plan.complaints.push(format!("the query {name} is left out: another one has that name"));
                } else {
                    queries.push(scheduled(name, query, flags, state, dice));
                }
            }
            plan.packs.push(PlannedPack { name: pack.name.clone(), discovery: pack.discovery.clone(), queries });
        }
        plan
    }

    pub fn queries(&self) -> impl Iterator<Item = &Scheduled> {
        self.packs.iter().flat_map(|pack| &pack.queries)
    }
}

fn scheduled(name: String, query: &Query, flags: &Flags, state: &State, dice: &dyn Dice) -> Scheduled {
    let interval = query.interval.unwrap_or_else(|| flags.number("schedule_default_interval")).max(1);
    let percent = flags.number("schedule_splay_percent");
    let drawn = splay(interval, percent, dice);
    let splayed = state.splayed(&name, interval, || drawn).unwrap_or_else(|cause| {
        tracing::error!("{cause}");
        drawn
    });
    Scheduled {
        name,
        sql: query.sql.clone(),
        interval,
        splayed,
        snapshot: query.snapshot,
        removed: query.removed,
        denylist: query.denylist,
    }
}

/// An interval up to `percent` shorter or longer, never 0.
fn splay(interval: u64, percent: u64, dice: &dyn Dice) -> u64 {
    if percent == 0 || percent > 100 {
        return interval;
    }
    let difference = interval.saturating_mul(percent) / 100;
    between(dice, (interval - difference).max(1), interval.saturating_add(difference))
}

fn full_name(pack: &Pack, query: &Query, delimiter: &str) -> String {
    match pack.name.as_str() {
        MAIN => query.name.clone(),
        pack => format!("pack{delimiter}{pack}{delimiter}{}", query.name),
    }
}

/// osqueryd keeps its own notes under such names.
fn is_reserved(name: &str) -> bool {
    ["query.", "cache.", "config_views."].iter().any(|prefix| name.starts_with(prefix))
        || ["epoch", "counter"].iter().any(|suffix| name.ends_with(suffix))
}

impl Machine {
    fn may_run(&self, restriction: &Restriction) -> bool {
        self.is_of(&restriction.platform)
            && is_at_least(&self.version, &restriction.version)
            && (restriction.shard == 0 || restriction.shard >= self.shard())
    }

    /// Whether a list of platforms names this machine. osquery takes every Linux for each of its names.
    fn is_of(&self, platforms: &str) -> bool {
        const LINUX: [&str; 3] = ["linux", "ubuntu", "centos"];
        let mut names = platforms.split([',', ' ', '|']).filter(|name| !name.is_empty()).peekable();
        if names.peek().is_none() {
            return true;
        }
        names.any(|name| {
            matches!(name, "all" | "any")
                || name == self.platform
                || (cfg!(unix) && name == "posix")
                || (cfg!(target_os = "linux") && LINUX.contains(&name))
                || (cfg!(target_os = "macos") && name == "darwin")
        })
    }

    /// Where this machine stands among all, 0 to 100: a part of the hash of its name.
    fn shard(&self) -> u64 {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.hostname.as_bytes());
        u64::from(hash.as_ref()[0]) * 100 / 255
    }
}

/// Compares versions number by number: 5.10.0 is later than 5.9.1. An empty wish is always met.
fn is_at_least(version: &str, wished: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        let leading =
            |part: &str| part.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
        let mut numbers: Vec<u64> = text.split('.').map(|part| leading(part).unwrap_or(0)).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        numbers
    };
    numbers(version) >= numbers(wished)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::fixed::Fixed;

    fn machine() -> Machine {
        Machine { platform: "debian".into(), version: "5.16.0".into(), hostname: "web-01".into() }
    }

    fn names(json: &str, options: &[(&str, &str)]) -> (Vec<String>, usize) {
        let config = Config::parse(json).unwrap();
        let mut flags = Flags::default();
        for (name, value) in options {
            flags.set(name, &(*value).into()).unwrap();
        }
        let plan = Plan::make(&config, &flags, &machine(), &State::in_memory().unwrap(), &Fixed(0));
        (plan.queries().map(|query| query.name.clone()).collect(), plan.complaints.len())
    }

    #[test]
    fn names_carry_their_pack() {
        let json = r#"{"schedule":{"up":{"query":"S"}},"packs":{"Global":{"queries":{"usb":{"query":"S"}}}}}"#;
        assert_eq!(names(json, &[("pack_delimiter", "/")]).0, ["up", "pack/Global/usb"]);
        assert_eq!(names(json, &[]).0, ["up", "pack_Global_usb"]);
    }

    #[test]
    fn reserved_and_repeated_names_are_left_out() {
        let json = r#"{"schedule":{"query.x":{"query":"S"},"my_epoch":{"query":"S"},"pack_p_q":{"query":"S"}},"packs":{"p":{"queries":{"q":{"query":"T"}}}}}"#;
        assert_eq!(names(json, &[]), (vec!["pack_p_q".to_owned()], 3));
    }

    #[test]
    fn check_49_restrictions_are_the_hosts_to_keep() {
        let runs = |member: &str| {
            let query = format!(r#"{{"schedule":{{"q":{{"query":"S",{member}}}}}}}"#);
            let pack = format!(r#"{{"packs":{{"p":{{{member},"queries":{{"q":{{"query":"S"}}}}}}}}}}"#);
            let both = [names(&query, &[]).0.len(), names(&pack, &[]).0.len()];
            assert_eq!(both[0], both[1], "{member}");
            both[0] == 1
        };
        for member in [
            r#""platform":"debian""#,
            r#""platform":"darwin,debian""#,
            r#""platform":"all""#,
            r#""platform":"""#,
            r#""version":"5.16""#,
            r#""version":"5.9.1""#,
            r#""version":"null""#,
        ] {
            assert!(runs(member), "{member}");
        }
        #[cfg(target_os = "linux")]
        assert!(runs(r#""platform":"linux""#) && runs(r#""platform":"posix""#) && !runs(r#""platform":"darwin""#));
        for member in [r#""platform":"windows""#, r#""version":"5.16.1""#, r#""version":"6""#] {
            assert!(!runs(member), "{member}");
        }
        // sha1("web-01") begins with 0xc6 (sha1sum), and 0xc6 * 100 / 255 = 77.
        assert!(runs(r#""shard":77"#) && runs(r#""shard":100"#) && runs(r#""shard":0"#) && !runs(r#""shard":76"#));
    }

    #[test]
    fn intervals_are_splayed_by_a_tenth() {
        assert_eq!(splay(100, 10, &Fixed(0)), 90);
        assert_eq!(splay(100, 10, &Fixed(20)), 110);
        assert_eq!(splay(100, 0, &Fixed(7)), 100);
        assert_eq!(splay(5, 10, &Fixed(7)), 5);
        assert_eq!(splay(1, 100, &Fixed(0)), 1);
    }
}
