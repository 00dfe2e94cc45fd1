//! Where a request comes from.

use actix_web::HttpRequest;

use crate::settings::Network;

/// Headers in which proxies say it, the most trusted first. Of a list the first entry counts.
const HEADERS: [&str; 3] = ["True-Client-IP", "X-Real-IP", "X-Forwarded-For"];

/// The address of the host: what a trusted proxy says, else the peer of the connection; empty if there is none.
pub fn public_address(request: &HttpRequest, trusted: &[Network]) -> String {
    let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else { return String::new() };
    if !trusted.iter().any(|network| network.contains(peer)) {
        return peer.to_string();
    }
    let said = HEADERS.iter().filter_map(|name| {
        let text = request.headers().get(*name)?.to_str().ok()?;
        text.split(',').next()?.trim().parse::<std::net::IpAddr>().ok()
    });
    said.map(|address| address.to_canonical()).next().unwrap_or(peer).to_string()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn address(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let request = TestRequest::default().peer_addr(format!("{peer}:5000").parse().unwrap());
        let request = headers.iter().fold(request, |request, header| request.insert_header(*header)).to_http_request();
        public_address(&request, &["10.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn only_a_trusted_peer_is_believed() {
        let forwarded = ("X-Forwarded-For", "198.51.100.7, 10.0.0.9");
        assert_eq!(address("10.0.0.1", &[forwarded]), "198.51.100.7");
        assert_eq!(address("192.0.2.1", &[forwarded]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[("X-Forwarded-For", "<script>")]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[forwarded, ("True-Client-IP", "203.0.113.5")]), "203.0.113.5");
    }
}
