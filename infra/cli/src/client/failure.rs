//! Why a call failed, in words that say what to do next.

use std::error::Error;
use std::io;
use std::path::Path;

use reqwest::StatusCode;
use rustls::CertificateError;

use super::{Address, problem};

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server answered, and said no.
    #[error("{text}")]
    Refused { status: StatusCode, text: String },
    /// There was no answer; another attempt may get one.
    #[error("{0}")]
    Unreachable(String),
    /// There is no point in trying again as things are: the server cannot be trusted or does not speak our language.
    #[error("{0}")]
    Unusable(String),
}

impl Failure {
    /// The status of a refusal.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Unreachable(_) => true,
            Self::Unusable(_) => false,
        }
    }

    /// Without a token, or with one that the server does not know.
    pub fn not_logged_in(address: &Address) -> Self {
        let text = format!("you are not logged in to {address}: run `musterctl login`");
        Self::Refused { status: StatusCode::UNAUTHORIZED, text }
    }

    /// From an answer whose status is no success.
    pub fn refused(status: StatusCode, body: &[u8], address: &Address) -> Self {
        let said = problem::text(body);
        let text = match (status, said) {
            (StatusCode::UNAUTHORIZED, Some(said)) if said.contains("password reset required") => {
                "you must set a new password first: run `musterctl login`, which asks for it".into()
            }
            (StatusCode::UNAUTHORIZED, Some(said)) => {
                format!("you are not logged in to {address} ({said}): run `musterctl login`")
            }
            (StatusCode::UNAUTHORIZED, None) => return Self::not_logged_in(address),
            (StatusCode::FORBIDDEN, Some(said)) => format!("your account is not allowed to do this ({said})"),
            (_, Some(said)) => said,
            (StatusCode::NOT_FOUND, None) => {
                format!("{address} does not know this call: is it a Muster server, and as new as this musterctl?")
            }
            (_, None) => {
                format!("{address} answered {status}: {}", problem::first_line(body)).trim_end_matches(": ").into()
            }
        };
        Self::Refused { status, text }
    }

    /// From an answer that is no JSON, or JSON of another shape.
    pub fn strange(address: &Address, error: &serde_json::Error) -> Self {
        Self::Unusable(format!("{address} answered something that a Muster server would not ({error})"))
    }

    /// From a connection that did not come about, or broke.
    pub fn of_transport(error: &(dyn Error + 'static), address: &Address, ca: Option<&Path>) -> Self {
        for cause in causes(error) {
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Self::Unusable(of_tls(tls, address, ca));
            }
            if let Some(io) = cause.downcast_ref::<io::Error>()
                && let Some(text) = of_io(io, address)
            {
                return Self::Unreachable(text);
            }
        }
        let root = causes(error).last().map(|cause| cause.to_string()).unwrap_or_default();
        let timed_out =
            causes(error).any(|cause| cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout));
        Self::Unreachable(match timed_out {
            true => format!("{address} did not answer in time: is the address right, and the way there open?"),
            false => format!("the connection to {address} failed ({root})"),
        })
    }
}

/// An error and what it comes from; an `io::Error` also has one inside, which it does not name as its source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        };
        Some(error)
    })
}

fn of_io(error: &io::Error, address: &Address) -> Option<String> {
    let text = error.to_string();
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!(
                "nothing answers at {address} (connection refused): is the server running, and is the address right?"
            )
        }
        io::ErrorKind::TimedOut => {
            format!("{address} did not answer in time: is the address right, and the way there open?")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            format!("{address} closed the connection: does it speak https, and is it a Muster server?")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("there is no way from here to {address}: is the network up?")
        }
        _ if text.contains("lookup address") => format!("there is no host of that name: {address}"),
        _ => return None,
    })
}

fn of_tls(error: &rustls::Error, address: &Address, ca: Option<&Path>) -> String {
    let trusted = match ca {
        Some(ca) => format!("the CA in {}", ca.display()),
        None => "a CA that this computer trusts".into(),
    };
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                "the certificate of {address} is not signed by {trusted}: \
                 name the file of the server's own CA with --ca FILE (or MUSTER_CA)"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
                "the certificate of {address} was made for other names ({error}): use one of them as the address"
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {address} has expired: renew it on the server (is the clock right here?)")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate of {address} is not valid yet: is the clock right here?")
            }
            _ => format!("the certificate of {address} cannot be trusted, checked against {trusted} ({error})"),
        },
        rustls::Error::InvalidMessage(_) => {
            format!("{address} does not speak TLS: is the port right, and does its address begin with http:// perhaps?")
        }
        _ => format!("no encrypted connection to {address} came about, with {trusted} ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::parse("https://muster.example:8080").unwrap()
    }

    fn tls(reason: CertificateError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(reason))
    }

    #[test]
    fn an_unknown_ca_is_named_with_the_file_that_was_tried() {
        let ca = Path::new("/etc/muster/ca.pem");
        let said = Failure::of_transport(&tls(CertificateError::UnknownIssuer), &address(), Some(ca)).to_string();
        assert!(said.contains("/etc/muster/ca.pem") && said.contains("--ca"), "{said}");
        let said = Failure::of_transport(&tls(CertificateError::UnknownIssuer), &address(), None).to_string();
        assert!(said.contains("this computer trusts") && said.contains("MUSTER_CA"), "{said}");
    }

    #[test]
    fn a_refused_connection_names_the_address_and_may_pass() {
        let failure = Failure::of_transport(&io::Error::from(io::ErrorKind::ConnectionRefused), &address(), None);
        assert!(failure.to_string().contains("https://muster.example:8080"), "{failure}");
        assert!(failure.may_pass());
        assert!(!Failure::of_transport(&tls(CertificateError::Expired), &address(), None).may_pass());
    }

    #[test]
    fn refusals_say_what_to_do() {
        let body =
            br#"{"message":"Authentication required","errors":[{"name":"base","reason":"Authentication required"}]}"#;
        let said = Failure::refused(StatusCode::UNAUTHORIZED, body, &address()).to_string();
        assert_eq!(
            said,
            "you are not logged in to https://muster.example:8080 (Authentication required): run `musterctl login`"
        );
        let said = Failure::refused(StatusCode::NOT_FOUND, b"404 page not found", &address()).to_string();
        assert!(said.contains("is it a Muster server"), "{said}");
        let said = Failure::refused(StatusCode::BAD_GATEWAY, b"", &address()).to_string();
        assert_eq!(said, "https://muster.example:8080 answered 502 Bad Gateway");
    }
}
