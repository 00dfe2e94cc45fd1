//! What an operator may set about hosts, with the defaults.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use domain::campaign::Most;

const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug)]
pub struct Settings {
    /// Names this process in what it writes: `muster/NAME`.
    pub node: String,
    /// What a host is known by.
    pub host_identifier: HostIdentifier,
    /// A host that enrolled less than this ago is refused another key; zero for none.
    pub enroll_cooldown: Duration,
    /// How often hosts are asked about themselves, about labels and about policies.
    pub detail_interval: Duration,
    pub label_interval: Duration,
    pub policy_interval: Duration,
    /// How long a live query that waits for its answers waits.
    pub live_query_wait: Duration,
    /// Whose word is taken for a host's own address.
    pub trusted_proxies: Vec<Network>,
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            node: "one".to_owned(),
            host_identifier: HostIdentifier::Provided,
            enroll_cooldown: Duration::ZERO,
            detail_interval: HOUR,
            label_interval: HOUR,
            policy_interval: HOUR,
            live_query_wait: Duration::from_secs(25),
            trusted_proxies: vec![
                Network { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), bits: 8 },
                Network { address: IpAddr::V6(Ipv6Addr::LOCALHOST), bits: 128 },
            ],
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// Whether what comes from there comes through a proxy of ours.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}

/// Which of the names that a host gives at enrolment counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostIdentifier {
    /// `host_identifier` of the request, whatever it was made from.
    #[default]
    Provided,
    /// `osquery_info.instance_id`.
    Instance,
    /// `osquery_info.uuid`.
    Uuid,
    /// `system_info.hostname`.
    Hostname,
}

impl FromStr for HostIdentifier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "provided" => HostIdentifier::Provided,
            "instance" => HostIdentifier::Instance,
            "uuid" => HostIdentifier::Uuid,
            "hostname" => HostIdentifier::Hostname,
            _ => return Err(format!("host identifier {text:?} is none of provided, instance, uuid and hostname")),
        })
    }
}

/// Sizes in bytes, of bodies after decompression.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `config`, `distributed/read`, `yara`, `carve/begin`.
    pub small: usize,
    pub enroll: usize,
    pub log: usize,
    pub write: usize,
    /// One block of a carve before base64.
    pub carve_block: usize,
    /// One answer to a live query; what is over it is cut.
    pub answer: usize,
    /// The SQL of a live query, a saved query or a label.
    pub sql: usize,
    /// Live queries at one moment.
    pub campaigns: Most,
    /// Rows that a call holds which waits for the answers to its live queries; what is over it is cut.
    pub waited: usize,
    /// Rows that all such calls hold together.
    pub waited_in_all: usize,
    /// All bodies that are being read and handled at one moment. A body may be there as it came and decompressed before
    /// it is known whose it is, and strangers have half: four times the largest limit and a little more is the least.
    pub in_flight: usize,
    /// How long a body may take to arrive.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Limits {
            small: MIB / 4,
            enroll: MIB,
            log: 32 * MIB,
            write: 64 * MIB,
            carve_block: 32 * MIB,
            answer: 16 * MIB,
            sql: MIB / 16,
            campaigns: Most::default(),
            waited: 16 * MIB,
            waited_in_all: 64 * MIB,
            in_flight: 512 * MIB,
            patience: Duration::from_secs(25),
        }
    }
}

/// A range of addresses, `10.0.0.0/8`; an address alone is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    pub bits: u8,
}

impl Network {
    pub fn contains(&self, other: IpAddr) -> bool {
        let (own, other, width) = match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let rest = width - u32::from(self.bits);
        own.checked_shr(rest) == other.checked_shr(rest)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is neither an address nor a range such as 10.0.0.0/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(widest), |bits| bits.trim().parse().map_err(|_| wrong()))?;
        if bits > widest { Err(wrong()) } else { Ok(Network { address, bits }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_addresses() {
        let holds = |range: &str, address: &str| range.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.3.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("192.0.2.7", "::ffff:192.0.2.7"), "a peer of a socket of both families");
        assert!(holds("2001:db8::/32", "2001:db8::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
        for wrong in ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "::1/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
