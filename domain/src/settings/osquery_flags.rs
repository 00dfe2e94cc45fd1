//! The flags that osquery knows, releases 5.5 to 5.19, and what each one is.
//!
//! Those of a command line are read when osquery starts and mean nothing in its configuration, where it would pass over
//! them without a word.

/// What a flag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Switch,
    Text,
    Whole { bits: u32, signed: bool },
}

impl Kind {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Switch => "bool",
            Kind::Text => "string",
            Kind::Whole { bits: 64, signed: false } => "uint64",
            Kind::Whole { bits: _, signed: false } => "uint32",
            Kind::Whole { bits: _, signed: true } => "int32",
        }
    }
}

/// Where a flag is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `options` of a configuration.
    Options,
    /// `command_line_flags`, which take all of `options` too.
    CommandLine,
}

/// What a flag is in that place; `None` if there is none of that name.
pub fn kind(name: &str, place: Place) -> Option<Kind> {
    let fits = |own: Place| own == Place::Options || place == Place::CommandLine;
    let known = FLAGS.iter().find(|(_, own, names)| fits(*own) && names.split_whitespace().any(|one| one == name));
    known.map(|(kind, _, _)| *kind)
}

/// Flags whose value is a secret. Agent options are events, are shown to whoever reads them and are told of in activities,
/// all in the clear: a host gets these from a flag file of its own.
const SECRETS: [&str; 3] = ["aws_proxy_password", "aws_secret_access_key", "aws_session_token"];

/// Whether a member of this name sets such a flag. osquery takes dashes for underscores.
pub fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').replace('-', "_");
    SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

const U64: Kind = Kind::Whole { bits: 64, signed: false };
const U32: Kind = Kind::Whole { bits: 32, signed: false };
const I32: Kind = Kind::Whole { bits: 32, signed: true };

/// Names by what they are and where they are written.
const FLAGS: [(Kind, Place, &str); 10] = [
    (
        Kind::Switch,
        Place::Options,
        "audit_allow_accept_socket_events audit_allow_apparmor_events audit_allow_config audit_allow_failed_socket_events
        audit_allow_fim_events audit_allow_fork_process_events audit_allow_kill_process_events
        audit_allow_null_accept_socket_events audit_allow_process_events audit_allow_seccomp_events
        audit_allow_selinux_events audit_allow_sockets audit_allow_user_events audit_force_reconfigure
        audit_force_unconfigure audit_persist aws_debug aws_disable_imdsv1_fallback aws_enable_proxy
        aws_kinesis_disable_log_status aws_kinesis_random_partition_key decorations_top_level disable_audit
        disable_caching disable_database disable_decorators disable_distributed disable_events disable_hash_cache
        disable_logging disable_memory distributed_loginfo enable_bpf_events enable_file_events enable_foreign
        enable_numeric_monitoring enable_syslog ephemeral es_fim_enable_open_events events_optimize
        extensions_default_index ignore_table_exceptions keychain_access_cache log_numerics_as_numbers
        logger_event_type logger_numerics logger_rotate logger_snapshot_event_type logger_syslog_prepend_cee
        logger_tls_compress schedule_lognames table_exceptions thrift_verbose tls_disable_status_log utc verbose
        yara_sigurl_authenticate",
    ),
    // Of one system, and those that osquery does not list.
    (
        Kind::Switch,
        Place::Options,
        "enable_ntfs_event_publisher enable_powershell_events_subscriber enable_windows_events_publisher
        enable_windows_events_subscriber ntfs_event_publisher_debug usn_journal_reader_debug disable_endpointsecurity
        disable_endpointsecurity_fim enable_keyboard_events enable_mouse_events alsologtostderr
        stop_logging_if_full_disk allow_unsafe tls_dump audit_debug audit_fim_debug audit_show_partial_fim_events
        audit_show_untracked_res_warnings audit_fim_show_accesses",
    ),
    (
        Kind::Text,
        Place::Options,
        "augeas_lenses aws_access_key_id aws_firehose_endpoint aws_firehose_region aws_firehose_stream
        aws_kinesis_endpoint aws_kinesis_region aws_kinesis_stream aws_profile_name aws_proxy_host
        aws_proxy_scheme aws_proxy_username aws_region aws_sts_arn_role
        aws_sts_region aws_sts_session_name distributed_plugin distributed_tls_read_endpoint
        distributed_tls_write_endpoint docker_socket experiment_list host_identifier logger_kafka_acks
        logger_kafka_brokers logger_kafka_compression logger_kafka_topic logger_path logger_tls_endpoint lxd_socket
        nullvalue numeric_monitoring_filesystem_path numeric_monitoring_plugins pack_delimiter specified_identifier
        syslog_pipe_path hardware_disabled_types windows_event_channels es_fim_mute_path_literal
        es_fim_mute_path_prefix events_streaming_plugin log_dir",
    ),
    (
        U64,
        Place::Options,
        "aws_firehose_period aws_kinesis_period aws_sts_timeout bpf_buffer_storage_size bpf_perf_event_array_exp
        buffered_log_max distributed_denylist_duration distributed_interval distributed_tls_max_attempts events_expiry
        events_max logger_rotate_max_files logger_rotate_size logger_tls_backoff_max logger_tls_max_lines
        logger_tls_max_linesize logger_tls_period numeric_monitoring_pre_aggregation_time pack_refresh_interval read_max
        schedule_default_interval schedule_epoch schedule_max_drift schedule_reload schedule_splay_percent
        schedule_timeout syslog_events_expiry syslog_events_max syslog_rate_limit table_delay malloc_trim_threshold
        users_service_delay users_service_interval groups_service_delay groups_service_interval",
    ),
    (
        U32,
        Place::Options,
        "aws_imdsv2_request_attempts aws_imdsv2_request_interval aws_proxy_port hash_cache_max keychain_access_interval
        thrift_timeout yara_delay",
    ),
    (
        I32,
        Place::Options,
        "audit_backlog_limit audit_backlog_wait_time logger_min_status logger_min_stderr logger_syslog_facility
        thrift_string_size_limit worker_threads logbufsecs max_log_size minloglevel",
    ),
    (
        Kind::Switch,
        Place::CommandLine,
        "aws_enforce_fips carver_compression carver_disable_function config_check config_dump config_enable_backup
        daemonize database_dump disable_carver disable_enrollment disable_extensions disable_reenrollment
        disable_watchdog enable_extensions_watchdog enable_watchdog_debug enroll_always force install logger_stderr
        logtostderr tls_session_reuse uninstall",
    ),
    (
        Kind::Text,
        Place::CommandLine,
        "carver_continue_endpoint carver_start_endpoint config_path config_plugin config_tls_endpoint database_path
        disable_tables enable_tables enroll_secret_env enroll_secret_path enroll_tls_endpoint extensions_autoload
        extensions_interval extensions_require extensions_socket extensions_timeout logger_mode logger_plugin pidfile
        proxy_hostname tls_client_cert tls_client_key tls_hostname tls_server_certs",
    ),
    (
        U64,
        Place::CommandLine,
        "alarm_timeout config_accelerated_refresh config_refresh config_tls_max_attempts config_tls_refresh
        tls_enroll_max_attempts tls_enroll_max_interval watchdog_delay watchdog_forced_shutdown_delay
        watchdog_latency_limit watchdog_memory_limit watchdog_utilization_limit",
    ),
    (U32, Place::CommandLine, "carver_block_size carver_expiry tls_session_timeout"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_stands_in_two_places() {
        let mut names: Vec<&str> = FLAGS.iter().flat_map(|(_, _, names)| names.split_whitespace()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_flag_that_holds_a_secret_is_none_of_ours_however_it_is_written() {
        for name in ["aws_proxy_password", "aws-session-token", "--aws_secret_access_key", "AWS_Session_Token"] {
            assert!(is_secret(name), "{name}");
            assert_eq!(kind(name, Place::CommandLine), None, "{name}");
        }
        for name in ["aws_access_key_id", "enroll_secret_path", "tls_client_key", ""] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn flags_of_a_command_line_are_none_of_a_configuration() {
        assert_eq!(kind("watchdog_delay", Place::CommandLine), Some(U64));
        assert_eq!(kind("watchdog_delay", Place::Options), None);
        assert_eq!(kind("verbose", Place::CommandLine), Some(Kind::Switch));
        assert_eq!(kind("logger_min_status", Place::Options).map(Kind::name), Some("int32"));
        assert_eq!(kind("", Place::CommandLine), None);
    }
}
