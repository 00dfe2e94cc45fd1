//! `platform_info`: the firmware.

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::tables::system_info::dmi;

/// No row on a machine whose firmware says nothing of itself.
pub(super) fn generate(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let (vendor, version, date) = (dmi("bios_vendor"), dmi("bios_version"), dmi("bios_date"));
    if vendor.is_empty() && version.is_empty() && date.is_empty() {
        return Ok(());
    }
    let firmware_type = if std::path::Path::new("/sys/firmware/efi").exists() { "uefi" } else { "bios" };
    rows.add()
        .text("vendor", vendor)
        .text("version", version)
        .text("date", date)
        .text("revision", dmi("bios_release"))
        .text("extra", "")
        .text("firmware_type", firmware_type);
    Ok(())
}
