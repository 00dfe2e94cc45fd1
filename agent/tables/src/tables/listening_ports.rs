//! `listening_ports`: sockets that wait for somebody, with the process that holds them.
//!
//! All network namespaces that any process is in are read, each once, through one of its processes.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

/// Protocol number and the file that lists its sockets; IPv6 has the same with a 6 behind the name.
const PROTOCOLS: [(i64, &str); 5] = [(1, "icmp"), (6, "tcp"), (17, "udp"), (136, "udplite"), (255, "raw")];

const UNIX: i64 = 1;
const IPV4: i64 = 2;
const IPV6: i64 = 10;
const PACKET: i64 = 17;

/// A socket without a process that we can see has pid and fd -1.
pub(super) fn generate(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let holders = Holders::read();
    for (namespace, pid) in &holders.namespaces {
        for socket in sockets_of(*pid) {
            let (pid, fd) = holders.by_inode.get(&socket.inode).copied().unwrap_or((-1, -1));
            rows.add()
                .int("pid", pid)
                .int("port", socket.port)
                .int("protocol", socket.protocol)
                .int("family", socket.family)
                .text("address", socket.address)
                .int("fd", fd)
                .int("socket", if socket.family == UNIX { 0 } else { socket.inode })
                .text("path", socket.path)
                .text("net_namespace", namespace);
        }
    }
    Ok(())
}

/// Who holds which socket, and one process for each network namespace.
#[derive(Default)]
struct Holders {
    /// Process and file descriptor by the socket's inode. Of several processes the one with the lowest pid.
    by_inode: HashMap<i64, (i64, i64)>,
    namespaces: BTreeMap<String, i64>,
}

impl Holders {
    fn read() -> Self {
        let mut holders = Self::default();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut pids: Vec<i64> = entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        for pid in pids {
            // A process that is ending has no namespace any more.
            let namespace = fs::read_link(format!("/proc/{pid}/ns/net")).ok();
            let namespace = namespace.and_then(|link| bracketed(&link.to_string_lossy(), "net:").map(str::to_string));
            if let Some(namespace) = namespace {
                holders.namespaces.entry(namespace).or_insert(pid);
            }
            for descriptor in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
                let Ok(link) = fs::read_link(descriptor.path()) else { continue };
                let inode = bracketed(&link.to_string_lossy(), "socket:").and_then(|inode| inode.parse().ok());
                let fd = descriptor.file_name().to_str().and_then(|fd| fd.parse().ok());
                if let (Some(inode), Some(fd)) = (inode, fd) {
                    holders.by_inode.entry(inode).or_insert((pid, fd));
                }
            }
        }
        holders
    }
}

/// The number in `kind:[123]`.
fn bracketed<'a>(link: &'a str, kind: &str) -> Option<&'a str> {
    link.strip_prefix(kind)?.strip_prefix('[')?.strip_suffix(']')
}

#[derive(Debug, Default, PartialEq)]
struct Socket {
    family: i64,
    protocol: i64,
    address: String,
    port: u16,
    inode: i64,
    path: String,
}

fn sockets_of(pid: i64) -> Vec<Socket> {
    let read = |name: &str| sys::text(format!("/proc/{pid}/net/{name}"));
    let mut sockets = Vec::new();
    for (protocol, name) in PROTOCOLS {
        for (family, name) in [(IPV4, name.to_string()), (IPV6, format!("{name}6"))] {
            sockets.extend(read(&name).lines().skip(1).filter_map(|line| listening(line, family, protocol)));
        }
    }
    sockets.extend(read("unix").lines().skip(1).filter_map(named_unix));
    sockets.extend(read("packet").lines().skip(1).filter_map(packet));
    sockets
}

/// A line of /proc/net/tcp and its like; only a socket that is connected to nobody waits for somebody.
fn listening(line: &str, family: i64, protocol: i64) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = fields.get(1)?.split_once(':')?;
    let (_, remote_port) = fields.get(2)?.split_once(':')?;
    if u16::from_str_radix(remote_port, 16).ok()? != 0 {
        return None;
    }
    Some(Socket {
        family,
        protocol,
        address: address_of(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        inode: fields.get(9)?.parse().ok()?,
        path: String::new(),
    })
}

/// The kernel writes addresses as numbers of 32 bits in the host's order.
fn address_of(hex: &str) -> Option<String> {
    let word = |n: usize| u32::from_str_radix(hex.get(n * 8..n * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).to_string()),
        32 => {
            let bytes: [u8; 16] = [word(0)?, word(1)?, word(2)?, word(3)?].concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

fn named_unix(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace();
    let protocol = i64::from_str_radix(fields.nth(2)?, 16).ok()?;
    let inode = fields.nth(3)?.parse().ok()?;
    let path = fields.next()?.to_string();
    Some(Socket { family: UNIX, protocol, inode, path, ..Socket::default() })
}

fn packet(line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let protocol = i64::from_str_radix(fields.get(3)?, 16).ok()?;
    Some(Socket { family: PACKET, protocol, inode: fields.get(8)?.parse().ok()?, ..Socket::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_the_kernels_hex() {
        assert_eq!(address_of("0100007F").unwrap(), "127.0.0.1");
        assert_eq!(address_of("00000000000000000000000001000000").unwrap(), "::1");
        assert_eq!(address_of("0000000000000000FFFF00000100007F").unwrap(), "::ffff:127.0.0.1");
        assert_eq!(address_of("01"), None);
    }

    #[test]
    fn only_sockets_without_a_peer_listen() {
        let line =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 4242 1 0 100 0 0 10 0";
        let socket = listening(line, IPV4, 6).unwrap();
        assert_eq!((socket.port, socket.inode, socket.address.as_str()), (8080, 4242, "127.0.0.1"));
        assert_eq!(listening(&line.replace("00000000:0000 0A", "0100007F:0050 01"), IPV4, 6), None);
    }

    #[test]
    fn a_unix_socket_needs_a_path() {
        let named = named_unix("ffff: 00000002 00000000 00010000 0001 01 777 /run/x.sock").unwrap();
        assert_eq!((named.inode, named.path.as_str(), named.protocol), (777, "/run/x.sock", 0));
        assert_eq!(named_unix("ffff: 00000002 00000000 00000000 0002 01 778"), None);
    }
}
