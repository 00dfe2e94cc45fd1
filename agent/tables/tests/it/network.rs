//! Links, addresses and routes against ip(8); sockets against ss(8) and sockets of our own.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;

use serde_json::Value;

use crate::support::{row, rows, run, steady, tuples};

fn ip(arguments: &[&str]) -> Vec<Value> {
    serde_json::from_str(&run("ip", &[&["-j"], arguments].concat())).unwrap()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[test]
fn addresses_are_those_of_ip() {
    let mut expected = Vec::new();
    for link in ip(&["addr", "show"]) {
        for address in link["addr_info"].as_array().unwrap() {
            let (local, bits) = (text(&address["local"]), address["prefixlen"].as_u64().unwrap());
            let name = if address["label"].is_string() { &address["label"] } else { &link["ifname"] };
            let scope = if address["scope"] == "link" && address["family"] == "inet6" {
                format!("%{}", text(name))
            } else {
                String::new()
            };
            expected.push(vec![text(name), format!("{local}{scope}"), bits.to_string(), text(&address["broadcast"])]);
        }
    }
    expected.sort();
    let ones = |mask: &str| -> u32 {
        match mask.parse::<std::net::IpAddr>().unwrap() {
            std::net::IpAddr::V4(mask) => mask.octets().iter().map(|b| b.count_ones()).sum(),
            std::net::IpAddr::V6(mask) => mask.octets().iter().map(|b| b.count_ones()).sum(),
        }
    };
    let mut ours = tuples("SELECT interface, address, mask, broadcast FROM interface_addresses");
    ours.iter_mut().for_each(|address| address[2] = ones(&address[2]).to_string());
    ours.sort();
    assert!(ours.len() >= 2);
    assert_eq!(ours, expected);
}

#[test]
fn the_loopback_is_its_own_peer() {
    let own = row("SELECT * FROM interface_addresses WHERE interface = 'lo' AND address = '127.0.0.1'");
    assert_eq!((&own["mask"], &own["point_to_point"], &own["broadcast"]), ("255.0.0.0", "127.0.0.1", ""));
}

#[test]
fn links_are_those_of_ip() {
    let sql = "SELECT interface, mac, mtu FROM interface_details";
    let mut expected: Vec<Vec<String>> = ip(&["link", "show"])
        .iter()
        .map(|link| {
            let mac = text(&link["address"]);
            let mac = if mac.len() == 17 { mac } else { "00:00:00:00:00:00".into() };
            vec![text(&link["ifname"]), mac, text(&link["mtu"])]
        })
        .collect();
    expected.sort();
    assert_eq!(tuples(sql), expected);
}

/// The loopback counts on while tests run, so the links are looked at until they hold still.
#[test]
fn counters_are_those_of_ip() {
    let sql = "SELECT interface, ipackets, opackets, ibytes, obytes, ierrors, oerrors, idrops, odrops, collisions FROM interface_details WHERE interface != 'lo'";
    let said = || {
        let counters = |link: &Value| {
            let stats = |way: &str, what: &str| text(&link["stats64"][way][what]);
            vec![
                text(&link["ifname"]),
                stats("rx", "packets"),
                stats("tx", "packets"),
                stats("rx", "bytes"),
                stats("tx", "bytes"),
                stats("rx", "errors"),
                stats("tx", "errors"),
                stats("rx", "dropped"),
                stats("tx", "dropped"),
                stats("tx", "collisions"),
            ]
        };
        let mut links: Vec<_> =
            ip(&["-s", "link", "show"]).iter().filter(|l| l["ifname"] != "lo").map(counters).collect();
        links.sort();
        links
    };
    let (ours, said) = steady(|| tuples(sql), said);
    assert_eq!(ours, said);
}

#[test]
fn flags_and_kind_are_those_of_sysfs() {
    for link in rows("SELECT interface, flags, type FROM interface_details") {
        let read =
            |name: &str| std::fs::read_to_string(format!("/sys/class/net/{}/{name}", &link["interface"])).unwrap();
        let flags = i64::from_str_radix(read("flags").trim().trim_start_matches("0x"), 16).unwrap();
        let ours: i64 = link["flags"].parse().unwrap();
        assert_eq!(ours & 0x1, flags & 0x1, "IFF_UP of {link:?}");
        assert_eq!(ours & 0x1008, flags & 0x1008, "IFF_MULTICAST and IFF_LOOPBACK of {link:?}");
        let kind: i64 = read("type").trim().parse().unwrap();
        assert_eq!(&link["type"], (kind & 0xff).to_string(), "{link:?}");
    }
}

#[test]
fn routes_are_those_of_ip() {
    let mut expected = Vec::new();
    for family in ["-4", "-6"] {
        for route in ip(&["-N", family, "route", "show", "table", "all"]) {
            let destination = text(&route["dst"]);
            let (address, bits) = destination.split_once('/').unwrap_or((&destination, "0"));
            let address = match address {
                "default" if family == "-4" => "0.0.0.0",
                "default" => "::",
                address => address,
            };
            let kind = match text(&route["type"]).as_str() {
                "" | "1" | "unicast" => "gateway",
                "2" | "local" => "local",
                "3" | "broadcast" => "broadcast",
                "4" | "anycast" => "anycast",
                _ => "other",
            };
            let metric = if route["metric"].is_null() { "0".into() } else { text(&route["metric"]) };
            expected.push(
                [address.into(), bits.into(), text(&route["gateway"]), text(&route["dev"]), metric, kind.into()]
                    .to_vec(),
            );
        }
    }
    expected.sort();
    let ours = tuples("SELECT destination, netmask, gateway, interface, metric, type FROM routes");
    assert!(!ours.is_empty());
    assert_eq!(ours, expected);
}

/// Protocol, address and port of all sockets without a peer in our network namespace.
fn ours() -> BTreeSet<(String, String, String)> {
    let namespace = std::fs::read_link("/proc/self/ns/net").unwrap().to_string_lossy().into_owned();
    let namespace = namespace.trim_start_matches("net:[").trim_end_matches(']').to_string();
    let sql = format!(
        "SELECT protocol, address, port FROM listening_ports WHERE family IN (2, 10) AND protocol IN (6, 17) AND net_namespace = '{namespace}'"
    );
    tuples(&sql).into_iter().map(|t| (t[0].clone(), t[1].clone(), t[2].clone())).collect()
}

fn ss() -> BTreeSet<(String, String, String)> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let protocol = if fields[0] == "tcp" { "6" } else { "17" };
        let (address, port) = fields[4].rsplit_once(':').unwrap();
        let address = address.split('%').next().unwrap().trim_matches(['[', ']']);
        let address = if address == "*" { "::" } else { address };
        (protocol.to_string(), address.to_string(), port.to_string())
    };
    run("ss", &["-Hltnu"]).lines().map(line).collect()
}

#[test]
fn listening_sockets_are_those_of_ss() {
    let _tcp4 = TcpListener::bind("127.0.0.1:0").unwrap();
    let _tcp6 = TcpListener::bind("[::1]:0").unwrap();
    let _udp4 = UdpSocket::bind("0.0.0.0:0").unwrap();
    let _udp6 = UdpSocket::bind("[::]:0").unwrap();
    // Other tests open and close sockets: two equal looks of ours with theirs between them.
    let (ours, theirs) = steady(ours, ss);
    assert!(ours.len() >= 4);
    assert_eq!(ours, theirs);
}

#[test]
fn a_socket_is_shown_with_its_process_and_descriptor() {
    use std::os::fd::AsRawFd;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let found = row(&format!("SELECT * FROM listening_ports WHERE port = {port} AND protocol = 6"));
    assert_eq!(&found["pid"], std::process::id().to_string());
    assert_eq!(&found["fd"], listener.as_raw_fd().to_string());
    assert_eq!((&found["family"], &found["address"], &found["path"]), ("2", "127.0.0.1", ""));
    let link = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();
    assert_eq!(link.to_str().unwrap(), format!("socket:[{}]", &found["socket"]));
}

#[test]
fn a_named_unix_socket_is_shown_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("listen.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let found = row(&format!("SELECT * FROM listening_ports WHERE path = '{}'", path.display()));
    assert_eq!(&found["pid"], std::process::id().to_string());
    assert_eq!((&found["family"], &found["port"], &found["protocol"], &found["socket"]), ("1", "0", "0", "0"));
}
