//! The bytes of carves: blocks as they come, and the end of each carve.
//!
//! A carve's beginning and end are decided, its progress is not: it is the blocks that are in the blob store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::carve::{Carve, Command, Outcome};
use domain::{Actor, CarveId, CommandId, Digest, Timestamp};
use infra_blobs::BlobError;
use infra_ledger::{By, CommandError};
use sha2::{Digest as _, Sha256};

use crate::App;

/// A carve that is not whole after so long never will be: the host sends its blocks one after another.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// Where the blocks of a carve are, as parts from 0.
pub fn key(carve: CarveId) -> String {
    format!("carves/{carve}")
}

/// How many blocks of each open carve are stored, as far as this process had to know.
#[derive(Default)]
pub struct Carves(Mutex<HashMap<CarveId, Arc<tokio::sync::Mutex<Option<u64>>>>>);

/// Why a block was not stored. The stored data is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    #[error("block {block} is out of turn, block {next} is next")]
    OutOfTurn { block: u64, next: u64 },
    #[error("block {block} has {size} bytes where {wanted} were announced")]
    WrongSize { block: u64, size: usize, wanted: u64 },
    #[error("block {0} was stored before with other data")]
    Changed(u64),
    #[error("the carve has ended: {0}")]
    Ended(String),
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Carves {
    fn progress(&self, carve: CarveId) -> Arc<tokio::sync::Mutex<Option<u64>>> {
        self.0.lock().expect("nothing panics while it holds the carves").entry(carve).or_default().clone()
    }

    fn forget(&self, carve: CarveId) {
        self.0.lock().expect("nothing panics while it holds the carves").remove(&carve);
    }
}

/// Stores the next block of a carve, and ends the carve with its last; durable when it returns.
/// A block that is there already, with the same data, is stored.
pub async fn store(app: &App, carve: &Carve, block: u64, data: Bytes) -> Result<(), BlockError> {
    if let Some((_, Outcome::Broken { reason })) = &carve.ended {
        return Err(BlockError::Ended(reason.clone()));
    }
    let number = u32::try_from(block).map_err(|_| BlockError::OutOfTurn { block, next: 0 })?;
    let progress = app.carves.progress(carve.id);
    let mut stored = progress.lock().await;
    let next = match *stored {
        Some(next) => next,
        None => counted(app, carve.id).await?,
    };
    *stored = Some(next);
    if block < next {
        let held = app.blobs.get_part(&key(carve.id), number).await?;
        return if held.is_some_and(|held| held == data) { Ok(()) } else { Err(BlockError::Changed(block)) };
    }
    if block > next || block >= carve.plan.block_count {
        return Err(BlockError::OutOfTurn { block, next });
    }
    let wanted = (carve.plan.carve_size - block * carve.plan.block_size).min(carve.plan.block_size);
    if data.len() as u64 != wanted {
        return Err(BlockError::WrongSize { block, size: data.len(), wanted });
    }
    app.blobs.put_part(&key(carve.id), number, data).await?;
    *stored = Some(next + 1);
    if next + 1 == carve.plan.block_count {
        complete(app, carve).await?;
    }
    Ok(())
}

/// How many blocks are stored, without a gap from the first.
async fn counted(app: &App, carve: CarveId) -> Result<u64, BlobError> {
    let parts = app.blobs.parts(&key(carve)).await?;
    Ok(parts.iter().zip(0..).take_while(|(have, want)| **have == *want).count() as u64)
}

/// Ends carves whose blocks are all there, and those that will never be whole. Called now and then.
pub async fn sweep(app: &App, now: Timestamp) {
    let fold = app.ledger.fold();
    for carve in fold.state.carves.open() {
        let outcome = match counted(app, carve.id).await {
            Ok(stored) if stored == carve.plan.block_count => complete(app, carve).await,
            Ok(stored) if now.since(carve.begun_at) >= PATIENCE => give_up(app, carve, stored).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = outcome {
            tracing::warn!(carve = carve.id.0, "a carve was not ended: {error}");
        }
    }
}

async fn give_up(app: &App, carve: &Carve, stored: u64) -> Result<(), BlockError> {
    let reason = format!("only {stored} of {} blocks came within a day", carve.plan.block_count);
    end(app, carve, Outcome::Broken { reason }).await?;
    Ok(app.blobs.delete_parts(&key(carve.id)).await?)
}

async fn complete(app: &App, carve: &Carve) -> Result<(), BlockError> {
    let mut hasher = Sha256::new();
    for number in 0..u32::try_from(carve.plan.block_count).unwrap_or(u32::MAX) {
        let Some(part) = app.blobs.get_part(&key(carve.id), number).await? else {
            let reason = format!("block {number} was stored and is not there any more");
            return end(app, carve, Outcome::Broken { reason }).await;
        };
        hasher.update(&part);
    }
    end(app, carve, Outcome::Complete { sha256: Digest(hasher.finalize().into()) }).await
}

async fn end(app: &App, carve: &Carve, outcome: Outcome) -> Result<(), BlockError> {
    let command = Command::End { carve: carve.id, outcome };
    let by = By { command_id: CommandId(app.world.uuid()), actor: Actor::Host(carve.host), traceparent: None };
    app.ledger.execute(command.into(), by).await?;
    app.carves.forget(carve.id);
    Ok(())
}
