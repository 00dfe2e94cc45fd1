//! Addresses: `inet_aton`, `in_cidr_block`.

use std::net::{IpAddr, Ipv4Addr};

use rusqlite::{Connection, Result};

use super::{pure, refuse, text};

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("inet_aton", 1, pure(), |c| Ok(text(c, 0).and_then(|t| aton(&t))))?;
    connection.create_scalar_function("in_cidr_block", 2, pure(), |c| {
        let block = text(c, 0).ok_or_else(|| refuse("in_cidr_block: the block must be a string"))?;
        let address = text(c, 1).ok_or_else(|| refuse("in_cidr_block: the address must be a string"))?;
        in_block(&block, &address).map_err(refuse)
    })
}

/// The number of an IPv4 address; nothing for anything else.
fn aton(address: &str) -> Option<i64> {
    address.parse::<Ipv4Addr>().ok().map(|ip| i64::from(u32::from(ip)))
}

fn in_block(block: &str, address: &str) -> std::result::Result<bool, String> {
    let address: IpAddr = address.parse().map_err(|_| format!("in_cidr_block: {address} is not an address"))?;
    let bad_block =
        || format!("in_cidr_block: {block} is not a block of {}", if address.is_ipv4() { "IPv4" } else { "IPv6" });
    let (base, prefix) = block.split_once('/').ok_or_else(bad_block)?;
    let base: IpAddr = base.parse().map_err(|_| bad_block())?;
    let prefix: u32 = prefix.parse().map_err(|_| bad_block())?;
    let (base, number, bits) = match (base, address) {
        (IpAddr::V4(base), IpAddr::V4(ip)) => (u128::from(u32::from(base)), u128::from(u32::from(ip)), 32),
        (IpAddr::V6(base), IpAddr::V6(ip)) => (u128::from(base), u128::from(ip), 128),
        _ => return Err(bad_block()),
    };
    let host_bits = bits - Some(prefix).filter(|p| *p <= bits).ok_or_else(bad_block)?;
    let network = |n: u128| n.checked_shr(host_bits).unwrap_or(0);
    Ok(network(base) == network(number))
}

#[cfg(test)]
mod tests {
    use super::super::tests::value;

    #[test]
    fn addresses_become_numbers() {
        assert_eq!(value("inet_aton('1.2.3.4')").unwrap(), "16909060");
        assert_eq!(value("inet_aton('255.255.255.255')").unwrap(), "4294967295");
        assert_eq!(value("inet_aton('::1')").unwrap(), "NULL");
        assert_eq!(value("inet_aton('1.2.3')").unwrap(), "NULL");
    }

    #[test]
    fn blocks_hold_their_addresses() {
        for (block, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", "1"),
            ("10.0.0.0/8", "11.0.0.1", "0"),
            ("0.0.0.0/0", "8.8.8.8", "1"),
            ("192.168.1.7/32", "192.168.1.7", "1"),
            ("2001:db8::/32", "2001:db8:1::5", "1"),
            ("::/0", "::1", "1"),
            ("fe80::/10", "2001::1", "0"),
        ] {
            let sql = format!("in_cidr_block('{block}', '{address}')");
            assert_eq!(value(&sql).unwrap(), inside, "{sql}");
        }
        assert!(value("in_cidr_block('10.0.0.0/33', '10.0.0.1')").is_err());
        assert!(value("in_cidr_block('10.0.0.0/8', '::1')").is_err());
        assert!(value("in_cidr_block('10.0.0.0/8', 'host')").is_err());
    }
}
