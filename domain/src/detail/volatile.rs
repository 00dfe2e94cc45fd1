//! Values that never stand still: written when they moved by a stated step, or once a day, or not at all.

use std::time::Duration;

use super::cells::{Cells, decimal, whole};
use crate::Timestamp;
use crate::records::{Boot, Disks};

/// Free space is news when it moves by this share of the disk, and by at least [`STEP_GIGS`] ...
const STEP_SHARE: f64 = 0.01;
const STEP_GIGS: f64 = 1.0;
/// ... or when it was not written for so long.
const DAY: Duration = Duration::from_secs(86_400);

/// A start that seems to move by less is the same start: a busy host answers minutes late, and clocks are set.
const SAME_BOOT: Duration = Duration::from_secs(300);

/// Free space as reported; a missing column leaves the stored value.
pub fn disks(held: Option<&Disks>, row: &impl Cells) -> Option<Disks> {
    let held = held.cloned().unwrap_or_default();
    let number = |column: &str, held: f64| decimal(row, column).ok().map(|reported| reported.unwrap_or(held));
    Some(Disks {
        gigs_disk_space_available: number("gigs_disk_space_available", held.gigs_disk_space_available)?,
        percent_disk_space_available: number("percent_disk_space_available", held.percent_disk_space_available)?,
        gigs_total_disk_space: number("gigs_total_disk_space", held.gigs_total_disk_space)?,
    })
}

/// What is worth writing: the report, or what was held.
pub fn settle_disks(held: &Disks, since: Timestamp, reported: Disks, now: Timestamp) -> Disks {
    let moved = (reported.gigs_disk_space_available - held.gigs_disk_space_available).abs();
    let step = (reported.gigs_total_disk_space * STEP_SHARE).max(STEP_GIGS);
    let resized = (reported.gigs_total_disk_space - held.gigs_total_disk_space).abs() >= step;
    if resized || moved >= step || now.since(since) >= DAY { reported } else { held.clone() }
}

/// When the host started, to the minute.
pub fn boot(row: &impl Cells, now: Timestamp) -> Option<Boot> {
    let seconds = whole(row, "total_seconds").ok()??;
    let booted = now.secs().checked_sub(seconds).filter(|booted| *booted > 0)?;
    Some(Boot { booted_at: Timestamp::from_secs(booted - booted % 60) })
}

pub fn same_boot(held: &Boot, reported: &Boot) -> bool {
    let apart = held.booted_at.since(reported.booted_at).max(reported.booted_at.since(held.booted_at));
    apart < SAME_BOOT
}
