//! `routes`: all routing tables of the kernel, for IPv4 and IPv6.

use std::collections::HashMap;

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys::netlink::{attributes, dump, number, u32_of};
use crate::tables::interfaces::{ip_of, link_names};

/// `rtmsg` of rtnetlink(7).
const HEADER: usize = 12;

pub(super) fn generate(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let names = link_names();
    let entries = dump(libc::RTM_GETROUTE, HEADER).unwrap_or_default();
    for entry in entries.iter().filter(|entry| entry.kind == libc::RTM_NEWROUTE) {
        add(rows, &entry.payload, &names);
    }
    Ok(())
}

/// No row for families other than IP.
fn add(rows: &mut Rows, payload: &[u8], names: &HashMap<u32, String>) -> Option<()> {
    let header = payload.get(..HEADER)?;
    let (family, destination_bits, kind) = (header[0], header[1], header[7]);
    let flags = u32::from_ne_bytes(number(header, 8)?);
    let default = match i32::from(family) {
        libc::AF_INET => "0.0.0.0",
        libc::AF_INET6 => "::",
        _ => return None,
    };
    let found: HashMap<u16, &[u8]> = attributes(&payload[HEADER..]).collect();
    let address = |kind: u16| found.get(&kind).and_then(|value| ip_of(value));
    let value = |kind: u16| found.get(&kind).and_then(|value| u32_of(value));
    let metrics: HashMap<u16, &[u8]> =
        found.get(&libc::RTA_METRICS).map(|m| attributes(m).collect()).unwrap_or_default();
    let metric = |kind: u16| metrics.get(&kind).and_then(|value| u32_of(value)).unwrap_or(0);
    // To osquery a single host has no mask.
    let mask = if matches!(destination_bits, 32 | 128) { 0 } else { destination_bits };
    rows.add()
        .text("destination", address(libc::RTA_DST).unwrap_or_else(|| default.into()))
        .int("netmask", mask)
        .text("gateway", address(libc::RTA_GATEWAY).unwrap_or_default())
        .text("source", address(libc::RTA_PREFSRC).unwrap_or_default())
        .int("flags", flags)
        .text("interface", value(libc::RTA_OIF).and_then(|link| names.get(&link).cloned()).unwrap_or_default())
        .int("mtu", metric(RTAX_MTU))
        .int("metric", value(libc::RTA_PRIORITY).unwrap_or(0))
        .text("type", kind_name(kind))
        .int("hopcount", metric(RTAX_HOPLIMIT));
    Some(())
}

/// Of linux/rtnetlink.h; the C library's headers do not have them.
const RTAX_MTU: u16 = 2;
const RTAX_HOPLIMIT: u16 = 10;

/// osquery's words; a unicast route is a gateway to it.
fn kind_name(kind: u8) -> &'static str {
    match kind {
        libc::RTN_UNICAST => "gateway",
        libc::RTN_LOCAL => "local",
        libc::RTN_BROADCAST => "broadcast",
        libc::RTN_ANYCAST => "anycast",
        _ => "other",
    }
}
