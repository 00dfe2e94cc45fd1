//! What was folded, kept now and then, so that a start does not read a week of signals again.
//!
//! Fleets of ten thousand hosts tell more than a hundred million calls in that week, and all but the last of each host
//! say nothing any more.

use std::time::Duration;

use domain::Timestamp;
use infra_ledger::Place;
use infra_ledger::snapshot::{Snapshot, SnapshotError, Snapshots};
use infra_log::{Log, Position};
use serde::{Deserialize, Serialize};

use super::follow::signals;
use super::{Calls, Presence};

const KIND: &str = "presence";
/// The version of this fold: a snapshot of another one is not used.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Kept {
    told_to: Timestamp,
    /// By ordinal.
    hosts: Vec<Calls>,
}

impl Presence {
    /// Takes what the newest snapshot of this log holds, if there is one, and goes on after it.
    pub async fn restored(log: &dyn Log, snapshots: &Snapshots) -> Presence {
        let presence = Presence::default();
        let Some(snapshot) = snapshots.newest(log, KIND, VERSION, signals()).await else { return presence };
        match serde_json::from_slice::<Kept>(&snapshot.body) {
            Ok(Kept { told_to, hosts }) => presence.change(|known| {
                let last = Place { position: snapshot.position, id: snapshot.last_record_id };
                (known.told_to, known.hosts) = (told_to, hosts);
                (known.next, known.last) = (snapshot.next(), Some(last));
            }),
            Err(error) => tracing::warn!("a snapshot of presence cannot be restored, folding anew: {error}"),
        }
        presence
    }

    /// Stores what is known now; `None` while nothing was folded.
    pub async fn keep(&self, snapshots: &Snapshots) -> Result<Option<Position>, SnapshotError> {
        let Some((last, kept)) = self.gather() else { return Ok(None) };
        let body = tokio::task::spawn_blocking(move || serde_json::to_vec(&kept)).await;
        let body = body.map_err(|error| SnapshotError::Failed(error.to_string()))?;
        let body = body.expect("what is kept is plain data with text keys");
        let (position, last_record_id) = (last.position, last.id);
        let (kind, partition) = (KIND.to_owned(), signals());
        let snapshot = Snapshot { kind, fold_version: VERSION, partition, position, last_record_id, body: body.into() };
        snapshots.store(snapshot).await?;
        Ok(Some(position))
    }

    /// Stores it every so often, while there is something new. Never ends.
    pub async fn keep_snapshots(self, snapshots: Snapshots, every: Duration) {
        let mut newest = None;
        loop {
            tokio::time::sleep(every).await;
            if self.known().last.map(|last| last.position) == newest {
                continue;
            }
            match self.keep(&snapshots).await {
                Ok(position) => newest = position,
                Err(error) => tracing::warn!("no snapshot of presence was taken: {error}"),
            }
        }
    }

    fn gather(&self) -> Option<(Place, Kept)> {
        let known = self.known();
        Some((known.last?, Kept { told_to: known.told_to, hosts: known.hosts.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::HostId;
    use domain::records::{Presence as Window, Signal};
    use infra_blobs::Folder;
    use infra_log::Draft;
    use infra_log::memory::Memory;
    use infra_world::World;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(9_000);

    async fn tell(log: &Memory, host: u32, at: i64) {
        let at = Timestamp::from_secs(at);
        let seen = vec![(HostId(host), at)];
        let window = Window::new("a".into(), at, at.plus(Duration::from_secs(30)), seen);
        let draft = Draft { key: None, headers: vec![], value: Signal::Presence(window).encode().value.into() };
        log.append(signals(), vec![draft]).await.unwrap();
    }

    /// What is known of two hosts, and how far.
    fn known(presence: &Presence) -> ([i64; 2], i64, Position) {
        let told_to = presence.known().told_to.secs();
        ([1, 2].map(|host| presence.calls(HostId(host)).seen.secs()), told_to, presence.next())
    }

    #[tokio::test]
    async fn a_start_goes_on_where_the_snapshot_was_taken() {
        let (folder, world) = (tempfile::tempdir().unwrap(), World::system());
        let snapshots = Snapshots::new(Arc::new(Folder::open(folder.path().to_owned()).unwrap()));
        let log = Memory::new(Arc::new(|| NOW));
        let empty = Presence::restored(&log, &snapshots).await;
        assert_eq!(empty.keep(&snapshots).await.unwrap(), None);
        tell(&log, 1, 1_000).await;
        tell(&log, 2, 2_000).await;
        empty.catch_up(&log, &world).await.unwrap();
        let before = known(&empty);
        assert_eq!(before.0, [1_000, 2_000]);
        assert_eq!(empty.keep(&snapshots).await.unwrap(), Some(before.2 - 1));

        tell(&log, 1, 3_000).await;
        let second = Presence::restored(&log, &snapshots).await;
        assert_eq!(known(&second), before, "without reading what was folded");
        second.catch_up(&log, &world).await.unwrap();
        assert_eq!((known(&second).0, known(&second).1), ([3_000, 2_000], 3_030));

        let other = Memory::new(Arc::new(|| NOW));
        tell(&other, 1, 7).await;
        tell(&other, 2, 8).await;
        let third = Presence::restored(&other, &snapshots).await;
        third.catch_up(&other, &world).await.unwrap();
        assert_eq!(known(&third).0, [7, 8], "a snapshot of another log is not used");
    }
}
