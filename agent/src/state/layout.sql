CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- The interval drawn for a scheduled query, kept while the wished interval stays the same.
CREATE TABLE IF NOT EXISTS splay (name TEXT PRIMARY KEY, wished INTEGER NOT NULL, drawn INTEGER NOT NULL) WITHOUT ROWID;

-- What a differential query returned last.
CREATE TABLE IF NOT EXISTS outcome (
  name TEXT PRIMARY KEY, sql TEXT NOT NULL, epoch INTEGER NOT NULL, counter INTEGER NOT NULL,
  rows TEXT NOT NULL, ran_at INTEGER NOT NULL
);

-- Log lines that the server has not acknowledged. kind: 0 result, 1 status.
CREATE TABLE IF NOT EXISTS line (id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS line_kind ON line (kind, id);

-- Queries that went over their limits and rest until then (seconds since 1970).
CREATE TABLE IF NOT EXISTS denied (what TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
