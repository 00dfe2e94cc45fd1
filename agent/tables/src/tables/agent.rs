//! The agent about itself: `osquery_info`, `osquery_registry`, `osquery_schedule`, `osquery_flags`.

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::schema::PLATFORM;

/// osquery's bits for a platform; Linux is 9 (POSIX and Linux), macOS 21, Windows 2.
const PLATFORM_MASK: i64 = if cfg!(target_os = "macos") {
    21
} else if cfg!(target_os = "windows") {
    2
} else {
    9
};

pub(super) fn info(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let info = &scan.context.info;
    let pid = if info.pid == 0 { i64::from(std::process::id()) } else { i64::from(info.pid) };
    rows.add()
        .int("pid", pid)
        .text("uuid", super::system_info::host_uuid(scan.context))
        .text("instance_id", &info.instance_id)
        .text("version", &info.version)
        .text("config_hash", &info.config_hash)
        .int("config_valid", info.config_valid)
        .text("extensions", "inactive")
        .text("build_platform", if info.build_platform.is_empty() { PLATFORM } else { &info.build_platform })
        .text("build_distro", &info.build_distro)
        .int("start_time", info.start_time)
        .int("watcher", info.watcher.unwrap_or(-1))
        .int("platform_mask", PLATFORM_MASK);
    Ok(())
}

/// The tables. Servers ask here whether a host has a table before they ask the table.
pub(super) fn registry(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    for name in crate::table_names() {
        rows.add()
            .text("registry", "table")
            .text("name", name)
            .int("owner_uuid", 0)
            .int("internal", 0)
            .int("active", 1);
    }
    Ok(())
}

pub(super) fn schedule(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    for stat in &scan.context.schedule {
        rows.add()
            .text("name", &stat.name)
            .text("query", &stat.query)
            .int("interval", stat.interval)
            .int("executions", stat.executions)
            .int("last_executed", stat.last_executed)
            .int("denylisted", stat.denylisted)
            .int("output_size", stat.output_size)
            .int("wall_time", stat.wall_time_ms / 1000)
            .int("wall_time_ms", stat.wall_time_ms)
            .int("last_wall_time_ms", stat.last_wall_time_ms)
            .int("user_time", stat.user_time)
            .int("last_user_time", stat.last_user_time)
            .int("system_time", stat.system_time)
            .int("last_system_time", stat.last_system_time)
            .int("average_memory", stat.average_memory)
            .int("last_memory", stat.last_memory);
    }
    Ok(())
}

pub(super) fn flags(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    for flag in &scan.context.flags {
        rows.add()
            .text("name", &flag.name)
            .text("type", &flag.kind)
            .text("description", &flag.description)
            .text("default_value", &flag.default_value)
            .text("value", &flag.value)
            .int("shell_only", flag.shell_only);
    }
    Ok(())
}
