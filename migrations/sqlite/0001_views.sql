-- The views, and where each stands in the log. `migrations/mysql` holds the same tables.
--
-- Times are microseconds since 1970; an interval is [since, until), and the open end is the largest integer.
-- `version` tells the rows of a view from those that are built beside them; kept tables, which outlive their topic and
-- are never built anew, have none. It stands last in keys, where an engine that has no statistics yet cannot take it for
-- selective. Team 0 is no team.

CREATE TABLE view_version (
  name TEXT NOT NULL,
  shape BIGINT NOT NULL,
  serving BIGINT NOT NULL,
  newest BIGINT NOT NULL,
  PRIMARY KEY (name)
) WITHOUT ROWID;

CREATE TABLE checkpoint (
  view TEXT NOT NULL,
  version BIGINT NOT NULL,
  topic TEXT NOT NULL,
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  record TEXT NOT NULL,
  note TEXT NOT NULL,
  turn BIGINT NOT NULL,
  PRIMARY KEY (view, version, topic, part)
) WITHOUT ROWID;

CREATE TABLE dead_record (
  topic TEXT NOT NULL,
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  appended BIGINT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (topic, part, position)
) WITHOUT ROWID;

-- From the ledger: a host's existence and team. `called` is the identifier in lower case.
CREATE TABLE host (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  team BIGINT NOT NULL,
  identifier TEXT NOT NULL,
  called TEXT NOT NULL,
  platform TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  enrolled_at BIGINT NOT NULL,
  contested_until BIGINT NOT NULL,
  succeeds BIGINT NOT NULL,
  PRIMARY KEY (host, since, version)
) WITHOUT ROWID;
CREATE INDEX host_open ON host (until, since, team, host, version);
CREATE INDEX host_called ON host (called, until, version);

-- From the ledger: teams, labels, queries, users and campaigns, each as JSON.
CREATE TABLE subject (
  version BIGINT NOT NULL,
  kind TEXT NOT NULL,
  id BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (kind, id, since, version)
);
CREATE INDEX subject_open ON subject (kind, until, since, version);

-- From the ledger: members of manual labels.
CREATE TABLE label_manual (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  label BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (host, label, since, version)
) WITHOUT ROWID;
CREATE INDEX label_manual_open ON label_manual (label, until, since, host, version);

-- From a host's partition: members of dynamic labels.
CREATE TABLE label_host (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  label BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (host, label, since, version)
) WITHOUT ROWID;
CREATE INDEX label_host_open ON label_host (label, until, since, host, version);

-- From a host's partition: each section's whole state as JSON. `reported` is the time of its newest report.
CREATE TABLE host_section (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  section TEXT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  reported BIGINT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (host, section, since, version)
);
CREATE INDEX host_section_open ON host_section (host, until, since, version);

-- From a host's partition: what lists search, sort and filter by. Texts are in lower case; disk space is in MiB,
-- percentages are in thousandths.
CREATE TABLE host_index (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  hostname TEXT NOT NULL,
  computer_name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  uuid TEXT NOT NULL,
  hardware_serial TEXT NOT NULL,
  osquery_version TEXT NOT NULL,
  platform TEXT NOT NULL,
  os_version TEXT NOT NULL,
  os_name TEXT NOT NULL,
  os_number TEXT NOT NULL,
  cpu_type TEXT NOT NULL,
  hardware_vendor TEXT NOT NULL,
  hardware_model TEXT NOT NULL,
  memory BIGINT NOT NULL,
  primary_ip TEXT NOT NULL,
  primary_mac TEXT NOT NULL,
  public_ip TEXT NOT NULL,
  disk_available BIGINT NOT NULL,
  disk_percent BIGINT NOT NULL,
  disk_total BIGINT NOT NULL,
  booted_at BIGINT NOT NULL,
  PRIMARY KEY (host, since, version)
);
CREATE INDEX host_index_open ON host_index (host, until, version);
CREATE INDEX host_index_hostname ON host_index (hostname, until, version);
CREATE INDEX host_index_uuid ON host_index (uuid, until, version);
CREATE INDEX host_index_serial ON host_index (hardware_serial, until, version);

-- From presence windows, in bulk.
CREATE TABLE host_seen (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  detailed BIGINT NOT NULL,
  labelled BIGINT NOT NULL,
  judged BIGINT NOT NULL,
  PRIMARY KEY (host, version)
) WITHOUT ROWID;

CREATE TABLE activity (
  version BIGINT NOT NULL,
  position BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  number BIGINT NOT NULL,
  recorded BIGINT NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  details TEXT NOT NULL,
  PRIMARY KEY (position, version)
);
CREATE INDEX activity_sequence ON activity (sequence, number, version);

-- Kept: answers of live queries, the first of each host. `data` is the rows' JSON, zstd.
CREATE TABLE answer (
  campaign BIGINT NOT NULL,
  host BIGINT NOT NULL,
  position BIGINT NOT NULL,
  recorded BIGINT NOT NULL,
  state TEXT NOT NULL,
  error TEXT NOT NULL,
  stats TEXT NOT NULL,
  row_count BIGINT NOT NULL,
  cut BIGINT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (campaign, host)
);
CREATE INDEX answer_position ON answer (campaign, position);

-- Kept: what a campaign's answers add up to. `answered` is a Roaring bitmap of hosts.
CREATE TABLE campaign_total (
  campaign BIGINT NOT NULL,
  last BIGINT NOT NULL,
  with_rows BIGINT NOT NULL,
  without_rows BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  row_total BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  answered BLOB NOT NULL,
  PRIMARY KEY (campaign)
);

-- Kept: the latest snapshot of a scheduled query on a host. `data` is the rows' JSON, zstd.
CREATE TABLE latest_result (
  query BIGINT NOT NULL,
  host BIGINT NOT NULL,
  taken BIGINT NOT NULL,
  recorded BIGINT NOT NULL,
  position BIGINT NOT NULL,
  gathered BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  cut BIGINT NOT NULL,
  digest TEXT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (query, host)
);
CREATE INDEX latest_result_host ON latest_result (host, query);
