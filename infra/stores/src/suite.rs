//! What every engine must do, as checks that any test binary can run against its own.
//!
//! An engine's tests implement [`Fixture`] and call each check in a test of its own.

mod checkpoints;
mod rows;

use async_trait::async_trait;

use crate::{Table, Views};

pub use checkpoints::{a_checkpoint_moves_with_its_rows, a_place_has_one_checkpoint, a_zombie_cannot_advance};
pub use rows::{
    a_row_of_another_shape_is_an_error, a_transaction_sees_its_own_rows_and_nobody_else_does,
    every_type_comes_back_as_it_went, many_rows_take_few_statements, readers_cannot_write, the_last_word_on_a_key_wins,
};

/// New stores on the engine under test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// An empty store, with the tables of this release.
    async fn views(&self) -> Views;
}

static DEAD: Table =
    Table { name: "dead_record", key: &["topic", "part", "position"], columns: &["appended", "reason"] };
