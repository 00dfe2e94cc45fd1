//! The host's names and its clock's.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

/// The uuid that the firmware gives this machine, as it writes it; `None` where there is none, or not for us
/// (the file is readable by root alone).
pub fn hardware_uuid() -> Option<String> {
    super::trimmed("/sys/class/dmi/id/product_uuid").filter(|uuid| !uuid.is_empty())
}

/// The full name that the resolver has for a host name; the name itself where it has none.
pub(crate) fn fully_qualified(name: &str) -> String {
    canonical(name).filter(|full| !full.is_empty()).unwrap_or_else(|| name.to_string())
}

fn canonical(name: &str) -> Option<String> {
    let name = CString::new(name).ok()?;
    // SAFETY: all zero is a valid value of this plain C structure.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_flags = libc::AI_CANONNAME;
    let mut found = std::ptr::null_mut();
    // SAFETY: the name ends in NUL, the hints are valid, and `found` is ours to be set.
    if unsafe { libc::getaddrinfo(name.as_ptr(), std::ptr::null(), &hints, &mut found) } != 0 {
        return None;
    }
    // SAFETY: after success `found` is a list whose first entry holds the name or null; it is freed once, after
    // the name was copied.
    unsafe {
        let full = found.as_ref().filter(|first| !first.ai_canonname.is_null());
        let full = full.map(|first| CStr::from_ptr(first.ai_canonname).to_string_lossy().into_owned());
        libc::freeaddrinfo(found);
        full
    }
}

/// The short name of the local time zone at a time in Unix seconds, e.g. `CEST`.
pub(crate) fn local_timezone(seconds: i64) -> Option<String> {
    let mut broken_down = std::mem::MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are valid; after success the structure is filled, and its zone points to a string of
    // the C library that lives as long as the process.
    unsafe {
        let filled = libc::localtime_r(&seconds, broken_down.as_mut_ptr());
        let zone = filled.as_ref()?.tm_zone;
        (!zone.is_null()).then(|| CStr::from_ptr(zone).to_string_lossy().into_owned())
    }
}
