//! Brings the tables to the shape of this release.

use sqlx::{AssertSqlSafe, Row as _, SqlitePool};

/// Every step, oldest first; a step that was released never changes.
const STEPS: &[&str] = &[include_str!("../../../migrations/sqlite/0001_views.sql")];

pub(crate) enum MigrationError {
    Newer { found: i64, known: i64 },
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        MigrationError::Sql(error)
    }
}

/// Runs the steps that the store has not seen, each in a transaction with its number.
pub(crate) async fn run(writer: &SqlitePool) -> Result<(), MigrationError> {
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS schema_step (number BIGINT NOT NULL, PRIMARY KEY (number))")
        .execute(writer)
        .await?;
    let newest = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM schema_step").fetch_one(writer).await?;
    let found: i64 = newest.try_get(0)?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    for (number, step) in (1i64..).zip(STEPS).skip(found as usize) {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(AssertSqlSafe(*step)).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO schema_step (number) VALUES (?)").bind(number).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}
