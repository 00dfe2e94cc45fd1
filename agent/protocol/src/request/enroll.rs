//! `enroll`: the secret, who the host says it is, and the first row of four tables.

use std::collections::BTreeMap;

use crate::members::{self, Members, scalar};
use crate::{BadBody, Row};

/// Table → column → text: `os_version`, `osquery_info`, `system_info`, `platform_info`.
pub type HostDetails = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Clone, PartialEq, Eq)]
pub struct EnrollRequest {
    /// Empty when absent.
    pub enroll_secret: String,
    /// Empty when absent; as sent, neither cut nor trimmed.
    pub host_identifier: String,
    /// A bit mask as text: 9 Linux, 21 macOS, 2 Windows. Empty when absent.
    pub platform_type: String,
    pub host_details: HostDetails,
}

impl EnrollRequest {
    /// Details are read leniently: numbers and booleans become text, `null` empty, and a table that is no object is left out.
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        members::parse(body, |members| {
            Ok(EnrollRequest {
                enroll_secret: members.text("enroll_secret")?,
                host_identifier: members.text("host_identifier")?,
                platform_type: members.raw("platform_type").and_then(scalar).unwrap_or_default(),
                host_details: details(members)?,
            })
        })
    }

    /// One cell of the details.
    pub fn detail(&self, table: &str, column: &str) -> Option<&str> {
        self.host_details.get(table)?.get(column).map(String::as_str)
    }
}

fn details(members: &Members<'_>) -> Result<HostDetails, BadBody> {
    let tables = members.object("host_details")?.into_iter();
    let objects = tables.filter(|(_, row)| row.get().starts_with('{'));
    Ok(objects.map(|(table, row)| (table, Row::lenient(row).into_iter().collect())).collect())
}

/// The secret is not shown.
impl std::fmt::Debug for EnrollRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrollRequest")
            .field("host_identifier", &self.host_identifier)
            .field("platform_type", &self.platform_type)
            .field("host_details", &self.host_details)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_of_a_ubuntu_host() {
        let request = EnrollRequest::parse(
            br#"{"enroll_secret":"s3cr3t-of-team-7","host_identifier":"4c4c4544-0034-5910-8051-b7c04f4d3232","platform_type":"9",
            "host_details":{"os_version":{"name":"Ubuntu","platform":"ubuntu","major":"22"},"system_info":{"hostname":"web-01"}}}"#,
        )
        .unwrap();
        assert_eq!(request.enroll_secret, "s3cr3t-of-team-7");
        assert_eq!(request.host_identifier, "4c4c4544-0034-5910-8051-b7c04f4d3232");
        assert_eq!(request.platform_type, "9");
        assert_eq!(request.detail("os_version", "platform"), Some("ubuntu"));
        assert_eq!(request.detail("system_info", "hostname"), Some("web-01"));
        assert_eq!(request.detail("platform_info", "vendor"), None);
        assert!(!format!("{request:?}").contains("s3cr3t"));
    }

    #[test]
    fn check_4_details_may_be_absent() {
        for body in [
            r#"{"enroll_secret":"s","host_identifier":"h"}"#,
            r#"{"enroll_secret":"s","host_identifier":"h","host_details":null}"#,
            r#"{"enroll_secret":"s","host_identifier":"h","host_details":{}}"#,
        ] {
            let request = EnrollRequest::parse(body.as_bytes()).unwrap();
            assert_eq!((request.host_identifier.as_str(), request.host_details.len()), ("h", 0));
        }
    }

    #[test]
    fn odd_details_are_read_as_far_as_they_go() {
        let request = EnrollRequest::parse(
            br#"{"platform_type":9,"host_details":{"a":{"n":7,"none":null,"b":true},"b":[],"c":"x"}}"#,
        )
        .unwrap();
        assert_eq!(request.platform_type, "9");
        assert_eq!(request.detail("a", "n"), Some("7"));
        assert_eq!(request.detail("a", "none"), Some(""));
        assert_eq!(request.detail("a", "b"), Some("true"));
        assert_eq!(request.host_details.len(), 1);
        assert_eq!(EnrollRequest::parse(br#"{"host_details":[]}"#), Err(BadBody::Member("host_details", "an object")));
    }
}
