//! `interface_addresses` and `interface_details`, as the kernel tells them over netlink.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys::netlink::{attributes, dump, number, text_of, u32_of};
use crate::sys::trimmed;

/// `ifaddrmsg` and `ifinfomsg` of rtnetlink(7).
const ADDRESS_HEADER: usize = 8;
const LINK_HEADER: usize = 16;

/// One link and its attributes.
struct Link {
    index: u32,
    /// Kind of hardware, `ARPHRD_…`.
    kind: u16,
    /// `IFF_…`.
    flags: u32,
    attributes: HashMap<u16, Vec<u8>>,
}

impl Link {
    fn all() -> Vec<Self> {
        let entries = dump(libc::RTM_GETLINK, LINK_HEADER).unwrap_or_default();
        entries.iter().filter(|e| e.kind == libc::RTM_NEWLINK).filter_map(|e| Self::parse(&e.payload)).collect()
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        Some(Self {
            kind: u16::from_ne_bytes(number(payload, 2)?),
            index: u32::from_ne_bytes(number(payload, 4)?),
            flags: u32::from_ne_bytes(number(payload, 8)?),
            attributes: attributes(payload.get(LINK_HEADER..)?).map(|(kind, value)| (kind, value.to_vec())).collect(),
        })
    }

    fn name(&self) -> String {
        self.attributes.get(&libc::IFLA_IFNAME).map(|name| text_of(name)).unwrap_or_default()
    }

    fn value(&self, kind: u16) -> Option<u32> {
        self.attributes.get(&kind).and_then(|value| u32_of(value))
    }

    /// The n-th counter of `rtnl_link_stats64`.
    fn counter(&self, n: usize) -> u64 {
        let counters = self.attributes.get(&libc::IFLA_STATS64);
        counters.and_then(|c| number(c, n * 8)).map_or(0, u64::from_ne_bytes)
    }
}

/// Names of the links by their number.
pub(super) fn link_names() -> HashMap<u32, String> {
    Link::all().into_iter().map(|link| (link.index, link.name())).collect()
}

pub(super) fn ip_of(bytes: &[u8]) -> Option<String> {
    let address: IpAddr = match bytes.len() {
        4 => Ipv4Addr::from(number::<4>(bytes, 0)?).into(),
        16 => Ipv6Addr::from(number::<16>(bytes, 0)?).into(),
        _ => return None,
    };
    Some(address.to_string())
}

pub(super) fn addresses(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let links: HashMap<u32, Link> = Link::all().into_iter().map(|link| (link.index, link)).collect();
    let entries = dump(libc::RTM_GETADDR, ADDRESS_HEADER).unwrap_or_default();
    for entry in entries.iter().filter(|entry| entry.kind == libc::RTM_NEWADDR) {
        add_address(rows, &entry.payload, &links);
    }
    Ok(())
}

fn add_address(rows: &mut Rows, payload: &[u8], links: &HashMap<u32, Link>) -> Option<()> {
    let (bits, index) = (*payload.get(1)?, u32::from_ne_bytes(number(payload, 4)?));
    let link = links.get(&index)?;
    let found: HashMap<u16, &[u8]> = attributes(payload.get(ADDRESS_HEADER..)?).collect();
    let get = |kind: u16| found.get(&kind).copied();
    // An address with a local part names the other end, which without a peer is the address itself.
    let (own, other) = match (get(libc::IFA_LOCAL), get(libc::IFA_ADDRESS)) {
        (Some(local), other) => (local, other),
        (None, own) => (own?, None),
    };
    let other = get(libc::IFA_BROADCAST).or(other).and_then(ip_of);
    let name = get(libc::IFA_LABEL).map_or_else(|| link.name(), text_of);
    let can_broadcast = link.flags & libc::IFF_BROADCAST as u32 != 0;
    let mut row = rows.add();
    row.text("interface", &name)
        .text("address", with_scope(own, &name)?)
        .text("mask", mask(own.len(), bits))
        .text("type", "unknown");
    if let Some(other) = other {
        row.text(if can_broadcast { "broadcast" } else { "point_to_point" }, other);
    }
    Some(())
}

/// Link-local addresses mean nothing without their link: `fe80::1%eth0`.
fn with_scope(address: &[u8], link: &str) -> Option<String> {
    let text = ip_of(address)?;
    let is_link_local = address.len() == 16 && address[0] == 0xfe && address[1] & 0xc0 == 0x80;
    Some(if is_link_local { format!("{text}%{link}") } else { text })
}

fn mask(length: usize, bits: u8) -> String {
    let bytes: Vec<u8> = (0..length)
        .map(|n| {
            let ones = u32::from(bits).saturating_sub(n as u32 * 8).min(8);
            (0xff00u32 >> ones) as u8
        })
        .collect();
    ip_of(&bytes).unwrap_or_default()
}

/// The numbers of the counters in `rtnl_link_stats64`.
mod counter {
    pub const RX_PACKETS: usize = 0;
    pub const TX_PACKETS: usize = 1;
    pub const RX_BYTES: usize = 2;
    pub const TX_BYTES: usize = 3;
    pub const RX_ERRORS: usize = 4;
    pub const TX_ERRORS: usize = 5;
    pub const RX_DROPPED: usize = 6;
    pub const TX_DROPPED: usize = 7;
    pub const COLLISIONS: usize = 9;
}

pub(super) fn details(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    for link in Link::all() {
        let name = link.name();
        let speed = trimmed(format!("/sys/class/net/{name}/speed")).and_then(|speed| speed.parse::<i64>().ok());
        rows.add()
            .text("interface", &name)
            .text("mac", mac(link.attributes.get(&libc::IFLA_ADDRESS)))
            // osquery keeps the low byte alone: the loopback, 772, is a 4.
            .int("type", link.kind as u8)
            .int("mtu", link.value(libc::IFLA_MTU).unwrap_or(0))
            .int("metric", 0)
            .int("flags", flags(&link, &name))
            .int("ipackets", link.counter(counter::RX_PACKETS))
            .int("opackets", link.counter(counter::TX_PACKETS))
            .int("ibytes", link.counter(counter::RX_BYTES))
            .int("obytes", link.counter(counter::TX_BYTES))
            .int("ierrors", link.counter(counter::RX_ERRORS))
            .int("oerrors", link.counter(counter::TX_ERRORS))
            .int("idrops", link.counter(counter::RX_DROPPED))
            .int("odrops", link.counter(counter::TX_DROPPED))
            .int("collisions", link.counter(counter::COLLISIONS))
            .int("last_change", -1)
            // In megabits; the kernel says -1 where it does not know.
            .int("link_speed", speed.unwrap_or(0).max(0))
            .text("pci_slot", pci_slot(&name));
    }
    Ok(())
}

/// Six bytes in hex; all zero for a link whose address is not of that kind.
fn mac(address: Option<&Vec<u8>>) -> String {
    let bytes: [u8; 6] = address.and_then(|a| number(a, 0)).unwrap_or_default();
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

/// Promiscuous mode and the like are told by sysfs as they are, by netlink only as somebody asked for them.
fn flags(link: &Link, name: &str) -> i64 {
    const BY_SYSFS: i64 = (libc::IFF_UP
        | libc::IFF_DEBUG
        | libc::IFF_NOTRAILERS
        | libc::IFF_NOARP
        | libc::IFF_PROMISC
        | libc::IFF_ALLMULTI
        | libc::IFF_MULTICAST
        | libc::IFF_PORTSEL
        | libc::IFF_AUTOMEDIA
        | libc::IFF_DYNAMIC) as i64;
    let told = i64::from(link.flags);
    let sysfs = trimmed(format!("/sys/class/net/{name}/flags"));
    match sysfs.as_deref().and_then(|hex| i64::from_str_radix(hex.trim_start_matches("0x"), 16).ok()) {
        Some(sysfs) => (told & !BY_SYSFS) | (sysfs & BY_SYSFS),
        None => told,
    }
}

/// Where the hardware sits, e.g. `0000:00:03.0`; -1 for links without any.
fn pci_slot(name: &str) -> String {
    let device = fs::canonicalize(format!("/sys/class/net/{name}/device")).ok();
    let slots = device.iter().flat_map(|path| path.ancestors()).filter_map(|path| path.file_name()?.to_str());
    let is_slot = |name: &&str| name.split([':', '.']).count() == 4 && name.contains(':');
    slots.into_iter().find(is_slot).map_or_else(|| "-1".into(), str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_their_leading_bits_set() {
        assert_eq!(mask(4, 0), "0.0.0.0");
        assert_eq!(mask(4, 20), "255.255.240.0");
        assert_eq!(mask(4, 32), "255.255.255.255");
        assert_eq!(mask(16, 64), "ffff:ffff:ffff:ffff::");
    }

    #[test]
    fn only_link_local_addresses_have_a_scope() {
        let local: Ipv6Addr = "fe80::1".parse().unwrap();
        let global: Ipv6Addr = "2001:db8::1".parse().unwrap();
        assert_eq!(with_scope(&local.octets(), "eth0").unwrap(), "fe80::1%eth0");
        assert_eq!(with_scope(&global.octets(), "eth0").unwrap(), "2001:db8::1");
    }
}
