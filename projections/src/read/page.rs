//! Which part of a list, in which order.

use domain::Timestamp;
use infra_stores::Value;

use super::filter::Needs;

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Rows on a page; none for all.
    pub size: Option<u64>,
    /// From 0.
    pub number: u64,
    /// Only rows beyond this value of the order's key. Takes over from `number`.
    pub after: Option<String>,
}

impl Page {
    /// How many rows come before the page.
    pub fn skip(&self) -> u64 {
        if self.after.is_some() { 0 } else { self.number.saturating_mul(self.size.unwrap_or(0)) }
    }

    /// The page of an ordered list.
    pub(crate) fn cut<T>(&self, all: Vec<T>) -> Vec<T> {
        let skip = usize::try_from(self.skip()).unwrap_or(usize::MAX);
        let size = self.size.map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
        all.into_iter().skip(skip).take(size).collect()
    }
}

/// What a list of hosts is ordered by; equal ones by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostOrder {
    pub key: OrderKey,
    pub descending: bool,
}

impl Default for HostOrder {
    fn default() -> Self {
        HostOrder { key: OrderKey::Id, descending: false }
    }
}

macro_rules! order_keys {
    ($($variant:ident($kind:ident, $sql:literal): $($name:literal)|+;)*) => {
        /// A column that hosts can be ordered by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum OrderKey { $($variant,)* }

        impl OrderKey {
            /// Every key under its first name.
            pub const ALL: &'static [OrderKey] = &[$(OrderKey::$variant,)*];

            /// By the name of the API's column; `None` if hosts cannot be ordered by it.
            pub fn parse(name: &str) -> Option<OrderKey> {
                let name = name.strip_prefix("h.").unwrap_or(name);
                match name {
                    $($($name)|+ => Some(OrderKey::$variant),)*
                    _ => None,
                }
            }

            pub(super) fn sql(self) -> &'static str {
                match self { $(OrderKey::$variant => $sql,)* }
            }

            fn kind(self) -> Kind {
                match self { $(OrderKey::$variant => Kind::$kind,)* }
            }
        }
    };
}

/// How a text from outside becomes a value of a key.
enum Kind {
    Number,
    Text,
    /// RFC 3339.
    Time,
    /// A number of GiB, kept in MiB.
    Gigs,
    /// A percentage, kept in thousandths.
    Percent,
}

order_keys! {
    Id(Number, "h.host"): "id";
    CreatedAt(Time, "h.created_at"): "created_at";
    EnrolledAt(Time, "h.enrolled_at"): "last_enrolled_at";
    Team(Number, "h.team"): "team_id";
    SeenAt(Time, "COALESCE(s.seen, 0)"): "seen_time";
    DetailedAt(Time, "COALESCE(s.detailed, 0)"): "detail_updated_at" | "updated_at";
    LabelledAt(Time, "COALESCE(s.labelled, 0)"): "label_updated_at";
    JudgedAt(Time, "COALESCE(s.judged, 0)"): "policy_updated_at";
    Hostname(Text, "COALESCE(i.hostname, '')"): "hostname" | "display_text";
    ComputerName(Text, "COALESCE(i.computer_name, '')"): "computer_name";
    DisplayName(Text, "COALESCE(i.display_name, '')"): "display_name";
    Uuid(Text, "COALESCE(i.uuid, '')"): "uuid";
    HardwareSerial(Text, "COALESCE(i.hardware_serial, '')"): "hardware_serial";
    OsqueryVersion(Text, "COALESCE(i.osquery_version, '')"): "osquery_version";
    Platform(Text, "COALESCE(i.platform, '')"): "platform";
    OsVersion(Text, "COALESCE(i.os_version, '')"): "os_version";
    CpuType(Text, "COALESCE(i.cpu_type, '')"): "cpu_type";
    HardwareVendor(Text, "COALESCE(i.hardware_vendor, '')"): "hardware_vendor";
    HardwareModel(Text, "COALESCE(i.hardware_model, '')"): "hardware_model";
    Memory(Number, "COALESCE(i.memory, 0)"): "memory";
    PrimaryIp(Text, "COALESCE(i.primary_ip, '')"): "primary_ip";
    PrimaryMac(Text, "COALESCE(i.primary_mac, '')"): "primary_mac";
    PublicIp(Text, "COALESCE(i.public_ip, '')"): "public_ip";
    DiskAvailable(Gigs, "COALESCE(i.disk_available, 0)"): "gigs_disk_space_available";
    DiskPercent(Percent, "COALESCE(i.disk_percent, 0)"): "percent_disk_space_available";
    DiskTotal(Gigs, "COALESCE(i.disk_total, 0)"): "gigs_total_disk_space";
    BootedAt(Time, "COALESCE(i.booted_at, 0)"): "last_restarted_at" | "uptime";
}

impl OrderKey {
    pub(super) fn needs(self) -> Needs {
        Needs { index: self.sql().contains("i."), seen: self.sql().contains("s.") }
    }

    /// A value of this key from the text of a cursor; what cannot be read stands before everything, as in Fleet.
    pub(super) fn value(self, text: &str) -> Value {
        let number = || text.trim().parse::<f64>().unwrap_or(0.0);
        match self.kind() {
            Kind::Text => crate::facts::index_key(text).into(),
            Kind::Number => text.trim().parse::<i64>().unwrap_or(0).into(),
            Kind::Time => Timestamp::parse_rfc3339(text.trim()).unwrap_or(Timestamp::EPOCH).into(),
            Kind::Gigs => ((number() * 1024.0).round() as i64).into(),
            Kind::Percent => ((number() * 1000.0).round() as i64).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_the_names_of_the_api() {
        assert_eq!(OrderKey::parse("hostname"), Some(OrderKey::Hostname));
        assert_eq!(OrderKey::parse("h.id"), Some(OrderKey::Id));
        assert_eq!(OrderKey::parse("password"), None);
    }

    #[test]
    fn a_cursor_takes_over_from_the_page_number() {
        let page = Page { size: Some(2), number: 1, after: None };
        assert_eq!(page.cut(vec![1, 2, 3, 4, 5]), [3, 4]);
        let page = Page { after: Some("x".into()), ..page };
        assert_eq!(page.cut(vec![1, 2, 3, 4, 5]), [1, 2]);
        assert_eq!(Page::default().cut(vec![1, 2]), [1, 2]);
    }
}
