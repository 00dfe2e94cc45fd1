-- The views, and where each stands in the log. `migrations/sqlite` holds the same tables.
--
-- Times are microseconds since 1970; an interval is [since, until), and the open end is the largest integer.
-- `version` tells the rows of a view from those that are built beside them; kept tables, which outlive their topic and
-- are never built anew, have none. It stands last in keys, where an engine that has no statistics yet cannot take it for
-- selective. Team 0 is no team.

CREATE TABLE view_version (
  name VARCHAR(64) NOT NULL,
  shape BIGINT NOT NULL,
  serving BIGINT NOT NULL,
  newest BIGINT NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE checkpoint (
  view VARCHAR(64) NOT NULL,
  version BIGINT NOT NULL,
  topic VARCHAR(64) NOT NULL,
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  record VARCHAR(128) NOT NULL,
  note MEDIUMTEXT NOT NULL,
  turn BIGINT NOT NULL,
  PRIMARY KEY (view, version, topic, part)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE dead_record (
  topic VARCHAR(64) NOT NULL,
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  appended BIGINT NOT NULL,
  reason MEDIUMTEXT NOT NULL,
  PRIMARY KEY (topic, part, position)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- From the ledger: a host's existence and team. `called` is the identifier in lower case.
CREATE TABLE host (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  team BIGINT NOT NULL,
  identifier VARCHAR(255) NOT NULL,
  called VARCHAR(255) NOT NULL,
  platform VARCHAR(255) NOT NULL,
  created_at BIGINT NOT NULL,
  enrolled_at BIGINT NOT NULL,
  contested_until BIGINT NOT NULL,
  succeeds BIGINT NOT NULL,
  PRIMARY KEY (host, since, version)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX host_open ON host (until, since, team, host, version);
CREATE INDEX host_called ON host (called, until, version);

-- From the ledger: teams, labels, queries, users and campaigns, each as JSON.
CREATE TABLE subject (
  version BIGINT NOT NULL,
  kind VARCHAR(64) NOT NULL,
  id BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  data LONGTEXT NOT NULL,
  PRIMARY KEY (kind, id, since, version)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX subject_open ON subject (kind, until, since, version);

-- From the ledger: members of manual labels.
CREATE TABLE label_manual (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  label BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (host, label, since, version)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX label_manual_open ON label_manual (label, until, since, host, version);

-- From a host's partition: members of dynamic labels.
CREATE TABLE label_host (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  label BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (host, label, since, version)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX label_host_open ON label_host (label, until, since, host, version);

-- From a host's partition: each section's whole state as JSON. `reported` is the time of its newest report.
CREATE TABLE host_section (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  section VARCHAR(64) NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  reported BIGINT NOT NULL,
  data LONGTEXT NOT NULL,
  PRIMARY KEY (host, section, since, version)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX host_section_open ON host_section (host, until, since, version);

-- From a host's partition: what lists search, sort and filter by. Texts are in lower case; disk space is in MiB,
-- percentages are in thousandths.
CREATE TABLE host_index (
  version BIGINT NOT NULL,
  host BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  hostname VARCHAR(255) NOT NULL,
  computer_name VARCHAR(255) NOT NULL,
  display_name VARCHAR(255) NOT NULL,
  uuid VARCHAR(255) NOT NULL,
  hardware_serial VARCHAR(255) NOT NULL,
  osquery_version VARCHAR(255) NOT NULL,
  platform VARCHAR(255) NOT NULL,
  os_version VARCHAR(255) NOT NULL,
  os_name VARCHAR(255) NOT NULL,
  os_number VARCHAR(255) NOT NULL,
  cpu_type VARCHAR(255) NOT NULL,
  hardware_vendor VARCHAR(255) NOT NULL,
  hardware_model VARCHAR(255) NOT NULL,
  memory BIGINT NOT NULL,
  primary_ip VARCHAR(255) NOT NULL,
  primary_mac VARCHAR(255) NOT NULL,
  public_ip VARCHAR(255) NOT NULL,
  disk_available BIGINT NOT NULL,
  disk_percent BIGINT NOT NULL,
  disk_total BIGINT NOT NULL,
  booted_at BIGINT NOT NULL,
  PRIMARY KEY (host, since, version)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
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
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE activity (
  version BIGINT NOT NULL,
  position BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  number BIGINT NOT NULL,
  recorded BIGINT NOT NULL,
  kind VARCHAR(64) NOT NULL,
  actor VARCHAR(64) NOT NULL,
  details LONGTEXT NOT NULL,
  PRIMARY KEY (position, version)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX activity_sequence ON activity (sequence, number, version);

-- Kept: answers of live queries, the first of each host. `data` is the rows' JSON, zstd.
CREATE TABLE answer (
  campaign BIGINT NOT NULL,
  host BIGINT NOT NULL,
  position BIGINT NOT NULL,
  recorded BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  error MEDIUMTEXT NOT NULL,
  stats MEDIUMTEXT NOT NULL,
  row_count BIGINT NOT NULL,
  cut BIGINT NOT NULL,
  data LONGBLOB NOT NULL,
  PRIMARY KEY (campaign, host)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
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
  answered LONGBLOB NOT NULL,
  PRIMARY KEY (campaign)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
  digest VARCHAR(128) NOT NULL,
  data LONGBLOB NOT NULL,
  PRIMARY KEY (query, host)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX latest_result_host ON latest_result (host, query);
