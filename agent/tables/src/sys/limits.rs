//! What a process may use and what it has used.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

/// Lets the process map at most so many bytes; what asks for more gets none.
pub(crate) fn limit_address_space(bytes: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the structure is valid for the call.
    match unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lowers the priority of the process.
pub(crate) fn be_nice(by: i32) {
    // SAFETY: takes and gives plain numbers. A refusal changes nothing and is no reason not to work.
    unsafe { libc::nice(by) };
}

/// The time that this process has spent on the processor so far: its own and the kernel's for it.
pub(crate) fn cpu_times() -> (Duration, Duration) {
    let mut used = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is valid; all zero is a valid value should the call fail.
    let used = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, used.as_mut_ptr());
        used.assume_init()
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    (time(used.ru_utime), time(used.ru_stime))
}
