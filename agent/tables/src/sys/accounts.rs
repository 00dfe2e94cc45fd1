//! Users and groups as the C library knows them.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::sync::Mutex;

/// One account.
pub(crate) struct User {
    pub uid: u32,
    pub gid: u32,
    pub name: String,
    pub description: String,
    pub directory: String,
    pub shell: String,
}

pub(crate) struct Group {
    pub gid: u32,
    pub name: String,
}

/// The enumeration keeps one place for the whole process.
static ENUMERATION: Mutex<()> = Mutex::new(());
/// Entries above this size are left out (a group with hundreds of thousands of members).
const LARGEST_ENTRY: usize = 16 * 1024 * 1024;

/// All users, in the C library's order.
pub(crate) fn all_users() -> Vec<User> {
    let _alone = ENUMERATION.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut users = Vec::new();
    // SAFETY: the lock makes us the only user of the enumeration; the entry is valid until the next call, and
    // all of it is copied before that.
    unsafe {
        libc::setpwent();
        while let Some(entry) = libc::getpwent().as_ref() {
            users.push(user(entry));
        }
        libc::endpwent();
    }
    users
}

/// All groups, in the C library's order.
pub(crate) fn all_groups() -> Vec<Group> {
    let _alone = ENUMERATION.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut groups = Vec::new();
    // SAFETY: as in `all_users`.
    unsafe {
        libc::setgrent();
        while let Some(entry) = libc::getgrent().as_ref() {
            groups.push(group(entry));
        }
        libc::endgrent();
    }
    groups
}

pub(crate) fn user_by_id(uid: u32) -> Option<User> {
    // SAFETY: all pointers are valid for the call, and the sizes are those of the buffer.
    look_up(
        |entry, buffer, found| unsafe { libc::getpwuid_r(uid, entry, buffer.as_mut_ptr(), buffer.len(), found) },
        user,
    )
}

pub(crate) fn user_by_name(name: &str) -> Option<User> {
    let name = CString::new(name).ok()?;
    // SAFETY: as in `user_by_id`; the name ends in NUL.
    let by_name = |entry: *mut libc::passwd, buffer: &mut [c_char], found: *mut *mut libc::passwd| unsafe {
        libc::getpwnam_r(name.as_ptr(), entry, buffer.as_mut_ptr(), buffer.len(), found)
    };
    look_up(by_name, user)
}

pub(crate) fn group_by_id(gid: u32) -> Option<Group> {
    // SAFETY: as in `user_by_id`.
    look_up(
        |entry, buffer, found| unsafe { libc::getgrgid_r(gid, entry, buffer.as_mut_ptr(), buffer.len(), found) },
        group,
    )
}

/// Calls one of the re-entrant functions with a buffer that grows until the entry fits.
fn look_up<E, T>(call: impl Fn(*mut E, &mut [c_char], *mut *mut E) -> i32, copy: unsafe fn(&E) -> T) -> Option<T> {
    let mut size = 4096;
    while size <= LARGEST_ENTRY {
        let mut buffer = vec![0; size];
        let mut entry = std::mem::MaybeUninit::<E>::uninit();
        let mut found = std::ptr::null_mut();
        match call(entry.as_mut_ptr(), &mut buffer, &mut found) {
            libc::ERANGE => size *= 4,
            libc::EINTR => {}
            // SAFETY: a non-null `found` points to `entry`, which the call has filled; its strings are in `buffer`.
            0 => return unsafe { found.as_ref().map(|entry| copy(entry)) },
            _ => return None,
        }
    }
    None
}

/// # Safety
/// The strings of the entry are null or end in NUL.
unsafe fn user(entry: &libc::passwd) -> User {
    // SAFETY: by the caller's promise.
    unsafe {
        User {
            uid: entry.pw_uid,
            gid: entry.pw_gid,
            name: string(entry.pw_name),
            description: string(entry.pw_gecos),
            directory: string(entry.pw_dir),
            shell: string(entry.pw_shell),
        }
    }
}

/// # Safety
/// The name of the entry is null or ends in NUL.
unsafe fn group(entry: &libc::group) -> Group {
    // SAFETY: by the caller's promise.
    Group { gid: entry.gr_gid, name: unsafe { string(entry.gr_name) } }
}

/// # Safety
/// The pointer is null or points to a string that ends in NUL.
unsafe fn string(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: not null, so a string by the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}
