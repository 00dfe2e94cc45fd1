//! The address of a server, and which of them may be spoken to.

mod path;

use std::fmt;

use anyhow::{Context, Result, bail};
use url::{Host, Url};

pub use path::{Path, fleet, muster};

/// `https://` host, port and perhaps a prefix; `http://` only on this computer itself, since a token goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Reads an address; one without a scheme means `https://`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let mut url = Url::parse(&whole).with_context(|| format!("`{text}` is not the address of a server"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_this_computer(&url) => {}
            "http" => {
                bail!("`{text}` would send your token in the clear: use https:// (http:// works for localhost only)")
            }
            other => bail!("`{text}` begins with {other}://; a server's address begins with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            bail!("an address holds no user name or password: run `musterctl login`");
        }
        url.set_query(None);
        url.set_fragment(None);
        let prefix = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&prefix);
        Ok(Self(url))
    }

    /// The whole address of one call.
    pub fn at(&self, path: &Path) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.segments());
        }
        if !path.query().is_empty() {
            url.query_pairs_mut().extend_pairs(path.query());
        }
        url
    }

    /// Host and port to connect to. An IPv6 address is without its brackets.
    pub fn endpoint(&self) -> (String, u16) {
        let host = match self.0.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        };
        (host, self.0.port_or_known_default().unwrap_or(443))
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn is_this_computer(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn addresses_are_brought_to_one_form() {
        let one = |text| Address::parse(text).unwrap().to_string();
        assert_eq!(one("muster.example:8080"), "https://muster.example:8080");
        assert_eq!(one(" https://Muster.Example/ "), "https://muster.example");
        assert_eq!(one("https://muster.example/inner/?x#y"), "https://muster.example/inner");
        assert_eq!(one("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(one("http://[::1]:8080"), "http://[::1]:8080");
        assert_eq!(one("http://localhost:8080/"), "http://localhost:8080");
    }

    #[test]
    fn a_token_never_leaves_this_computer_in_the_clear() {
        for text in
            ["http://muster.example", "http://10.0.0.1", "http://127.0.0.1.evil.example", "http://localhost.evil"]
        {
            let said = Address::parse(text).expect_err(text).to_string();
            assert!(said.contains("in the clear"), "{said}");
        }
        for text in ["", "ftp://muster.example", "https://me:secret@muster.example", "https://"] {
            Address::parse(text).expect_err(text);
        }
    }

    #[test]
    fn paths_are_joined_below_a_prefix_and_encoded() {
        let address = Address::parse("https://muster.example/inner").unwrap();
        let path = fleet(["hosts", "identifier", "a/b c"]).with("as_of", "2026-11-22T10:00:00+01:00");
        assert_eq!(
            address.at(&path).as_str(),
            "https://muster.example/inner/api/latest/fleet/hosts/identifier/a%2Fb%20c?as_of=2026-11-22T10%3A00%3A00%2B01%3A00"
        );
        assert_eq!(address.at(&muster(["campaigns"])).as_str(), "https://muster.example/inner/api/muster/v1/campaigns");
    }

    #[test]
    fn endpoints_have_a_port_and_no_brackets() {
        let endpoint = |text| Address::parse(text).unwrap().endpoint();
        assert_eq!(endpoint("https://muster.example"), ("muster.example".into(), 443));
        assert_eq!(endpoint("http://[::1]:8080"), ("::1".into(), 8080));
    }
}
