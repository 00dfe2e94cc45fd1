//! osquery's flags, as far as musterd knows them: their defaults, what the command line says, and what the
//! configuration's `options` change while musterd runs. A value stays until the process ends, even when a later
//! configuration no longer names it.

use serde_json::Value;

/// One flag as `osquery_flags` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: &'static str,
    pub default: &'static str,
    pub value: String,
    kind: Kind,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Switch,
    Text,
}

impl Kind {
    /// In osquery's words.
    fn name(self) -> &'static str {
        match self {
            Kind::Number => "uint64",
            Kind::Switch => "bool",
            Kind::Text => "string",
        }
    }
}

/// Who may set a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The command line alone.
    CommandLine,
    Anybody,
}

impl Flag {
    /// Whether only the command line may set it.
    pub fn is_command_line(&self) -> bool {
        self.source == Source::CommandLine
    }

    /// osquery's name of the type.
    pub fn kind(&self) -> &'static str {
        self.kind.name()
    }
}

/// All flags. Cheap enough to copy at every change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags(Vec<Flag>);

/// Why an option of the configuration was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Only the command line may set it.
    CommandLineOnly,
    /// musterd has no such flag.
    Unknown,
    /// The value is not of the flag's type.
    NotA(&'static str),
}

impl Default for Flags {
    fn default() -> Self {
        use Kind::{Number, Switch, Text};
        use Source::{Anybody, CommandLine};
        let flag =
            |name, default: &'static str, kind, source| Flag { name, default, value: default.to_owned(), kind, source };
        Flags(vec![
            flag("buffered_log_max", "1000000", Number, Anybody),
            flag("config_plugin", "tls", Text, CommandLine),
            flag("config_refresh", "60", Number, CommandLine),
            flag("decorations_top_level", "false", Switch, Anybody),
            flag("disable_carver", "true", Switch, CommandLine),
            flag("disable_decorators", "false", Switch, Anybody),
            flag("disable_distributed", "false", Switch, Anybody),
            flag("distributed_denylist_duration", "86400", Number, Anybody),
            flag("distributed_interval", "10", Number, Anybody),
            flag("distributed_plugin", "tls", Text, CommandLine),
            flag("distributed_tls_max_attempts", "3", Number, Anybody),
            flag("host_identifier", "uuid", Text, CommandLine),
            flag("logger_event_type", "true", Switch, Anybody),
            flag("logger_min_status", "0", Number, Anybody),
            flag("logger_plugin", "tls", Text, CommandLine),
            flag("logger_snapshot_event_type", "false", Switch, Anybody),
            flag("logger_tls_backoff_max", "3600", Number, Anybody),
            flag("logger_tls_max_lines", "1024", Number, Anybody),
            flag("logger_tls_max_linesize", "1048576", Number, Anybody),
            flag("logger_tls_period", "10", Number, Anybody),
            flag("pack_delimiter", "_", Text, Anybody),
            flag("pack_refresh_interval", "3600", Number, Anybody),
            flag("schedule_default_interval", "3600", Number, Anybody),
            flag("schedule_epoch", "0", Number, Anybody),
            flag("schedule_splay_percent", "10", Number, Anybody),
            flag("tls_disable_status_log", "false", Switch, Anybody),
            flag("tls_hostname", "", Text, CommandLine),
        ])
    }
}

impl Flags {
    /// Sets a flag as the command line does.
    pub fn given(mut self, name: &str, value: impl ToString) -> Self {
        let flag = self.0.iter_mut().find(|flag| flag.name == name).expect("the command line names known flags only");
        flag.value = value.to_string();
        self
    }

    /// Sets a flag as the configuration's `options` do. Flags named `custom_*` are for other readers and pass.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Refused> {
        const COMMAND_LINE: [&str; 5] = ["config_", "enroll_", "carver_", "tls_hostname", "logger_plugin"];
        let Some(flag) = self.0.iter_mut().find(|flag| flag.name == name) else {
            return match name {
                _ if name.starts_with("custom_") => Ok(()),
                _ if COMMAND_LINE.iter().any(|prefix| name.starts_with(prefix)) => Err(Refused::CommandLineOnly),
                _ => Err(Refused::Unknown),
            };
        };
        if flag.source == Source::CommandLine {
            return Err(Refused::CommandLineOnly);
        }
        let value = match flag.kind {
            Kind::Number => number(value).map(|number| number.to_string()),
            Kind::Switch => switch(value).map(|on| on.to_string()),
            Kind::Text => value.as_str().map(str::to_owned),
        };
        flag.value = value.ok_or(Refused::NotA(flag.kind.name()))?;
        Ok(())
    }

    pub fn number(&self, name: &str) -> u64 {
        self.text(name).parse().expect("number flags are checked when they are set")
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    pub fn text(&self, name: &str) -> &str {
        let flag = self.0.iter().find(|flag| flag.name == name);
        &flag.expect("only flags of the list are asked for").value
    }

    pub fn all(&self) -> &[Flag] {
        &self.0
    }
}

/// A whole number, written as number or text.
pub fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    }
}

/// A boolean as osquery reads one: a boolean, a number, or a text that begins like "true".
pub fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => Some(matches!(text.to_ascii_lowercase().as_str(), "true" | "t" | "1" | "yes" | "y")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_change_flags_of_their_type() {
        let mut flags = Flags::default().given("distributed_interval", 60);
        assert_eq!(flags.number("distributed_interval"), 60);
        assert_eq!(flags.set("distributed_interval", &json!("5")), Ok(()));
        assert_eq!(flags.set("pack_delimiter", &json!("/")), Ok(()));
        assert_eq!(flags.set("disable_distributed", &json!(1)), Ok(()));
        assert_eq!(flags.set("logger_event_type", &json!("f")), Ok(()));
        assert_eq!((flags.number("distributed_interval"), flags.text("pack_delimiter")), (5, "/"));
        assert!(flags.is_on("disable_distributed") && !flags.is_on("logger_event_type"));
        assert_eq!(flags.set("distributed_interval", &json!("soon")), Err(Refused::NotA("uint64")));
        assert_eq!(flags.set("distributed_interval", &json!(-1)), Err(Refused::NotA("uint64")));
        assert_eq!(flags.number("distributed_interval"), 5);
    }

    #[test]
    fn what_the_configuration_may_not_set_is_refused() {
        let mut flags = Flags::default();
        for name in ["config_refresh", "tls_hostname", "enroll_secret_path", "logger_plugin", "carver_block_size"] {
            assert_eq!(flags.set(name, &json!("1")), Err(Refused::CommandLineOnly), "{name}");
        }
        assert_eq!(flags.set("no_such_flag", &json!(1)), Err(Refused::Unknown));
        assert_eq!(flags.set("custom_anything", &json!(1)), Ok(()));
        assert_eq!(flags, Flags::default());
    }
}
