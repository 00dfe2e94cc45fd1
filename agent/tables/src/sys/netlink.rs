//! Asks the kernel for whole tables over a netlink socket (rtnetlink(7)): links, addresses, routes.

use std::io;
use std::time::Duration;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

/// One message of an answer, without its general header.
pub(crate) struct Message {
    pub kind: u16,
    pub payload: Vec<u8>,
}

const GENERAL_HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;
/// The kernel never sends more at once.
const LARGEST_DATAGRAM: usize = 64 * 1024;
/// The kernel answers at once; this only bounds what cannot happen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for all entries of a kind (`RTM_GETLINK` and so on). `header` is the size in bytes of the header that
/// stands before the attributes of each entry; all zero, it asks for everything.
pub(crate) fn dump(kind: u16, header: usize) -> io::Result<Vec<Message>> {
    // No protocol is number 0, which is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    sendto(&socket, &request(kind, header), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut messages = Vec::new();
    let mut datagram = vec![0; LARGEST_DATAGRAM];
    loop {
        let (read, _) = recv(&socket, datagram.as_mut_slice(), RecvFlags::empty())?;
        for message in split(&datagram[..read]) {
            match i32::from(message.kind) {
                libc::NLMSG_DONE => return Ok(messages),
                libc::NLMSG_ERROR => {
                    let code = number::<4>(&message.payload, 0).map_or(0, i32::from_ne_bytes);
                    return Err(io::Error::from_raw_os_error(-code));
                }
                _ => messages.push(message),
            }
        }
    }
}

fn request(kind: u16, header: usize) -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    let length = (GENERAL_HEADER + header) as u32;
    let mut bytes = Vec::with_capacity(length as usize);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]); // sequence and port: one question a socket needs neither
    bytes.resize(length as usize, 0);
    bytes
}

fn split(datagram: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut rest = datagram;
    while let Some(length) = number::<4>(rest, 0).map(|n| u32::from_ne_bytes(n) as usize) {
        if length < GENERAL_HEADER || length > rest.len() {
            break;
        }
        let kind = number::<2>(rest, 4).map_or(0, u16::from_ne_bytes);
        messages.push(Message { kind, payload: rest[GENERAL_HEADER..length].to_vec() });
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    messages
}

/// The attributes in a run of bytes: kind and value.
pub(crate) fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = number::<2>(rest, 0).map(|n| u16::from_ne_bytes(n) as usize)?;
        // The two highest bits say how the value is written, not what it is.
        let kind = number::<2>(rest, 2).map(u16::from_ne_bytes)? & 0x3fff;
        let value = rest.get(ATTRIBUTE_HEADER..length)?;
        rest = rest.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// So many bytes from a place on, if they are there.
pub(crate) fn number<const N: usize>(bytes: &[u8], from: usize) -> Option<[u8; N]> {
    bytes.get(from..from + N)?.try_into().ok()
}

/// The number in the host's order that a value starts with.
pub(crate) fn u32_of(value: &[u8]) -> Option<u32> {
    number::<4>(value, 0).map(u32::from_ne_bytes)
}

/// A name that may end in NUL.
pub(crate) fn text_of(value: &[u8]) -> String {
    let end = value.iter().position(|&b| b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_aligned_and_bounded() {
        let mut bytes = Vec::new();
        bytes.extend(5u16.to_ne_bytes());
        bytes.extend(3u16.to_ne_bytes());
        bytes.extend([b'x', 0, 0, 0]);
        bytes.extend(8u16.to_ne_bytes());
        bytes.extend(0x8004u16.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(100u16.to_ne_bytes()); // longer than what follows
        bytes.extend(9u16.to_ne_bytes());
        let found: Vec<_> = attributes(&bytes).collect();
        assert_eq!(found, [(3, b"x".as_slice()), (4, 7u32.to_ne_bytes().as_slice())]);
    }

    #[test]
    fn the_kernel_knows_the_loopback_link() {
        let links = dump(libc::RTM_GETLINK, 16).unwrap();
        let names = links.iter().flat_map(|link| attributes(&link.payload[16..]));
        let mut names = names.filter(|(kind, _)| *kind == libc::IFLA_IFNAME).map(|(_, name)| text_of(name));
        assert!(names.any(|name| name == "lo"));
    }
}
