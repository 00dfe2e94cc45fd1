//! Which reports are news, and how they reach the log.

use std::sync::Arc;
use std::time::Duration;

use domain::detail::Known;
use domain::records::{Report, Section};
use domain::{HostId, Timestamp};
use infra_log::{Draft, Partition, Topic};

use super::cell::{Facts, Held};
use super::due::spread;
use super::{AppendFailed, Registry};

/// Every section is written again when it is so old, at most; some hosts up to three days earlier, so that the
/// baselines of a fleet are spread. A fold never has to read further back.
const BASELINE: Duration = Duration::from_secs(30 * 86_400);
const BASELINE_SPREAD: u64 = 3 * 86_400;

impl Registry {
    /// The newest state of the host's sections.
    pub fn known(&self, host: HostId) -> Known {
        let Some(cell) = self.0.cells.get(&host).map(|cell| cell.clone()) else { return Known::default() };
        let facts = cell.facts();
        let mut known = Known::default();
        for held in &facts.held {
            match facts.section(held.slot) {
                Some(Section::Identity(state)) => known.identity = Some(state),
                Some(Section::Os(state)) => known.os = Some(state),
                Some(Section::Hardware(state)) => known.hardware = Some(state),
                Some(Section::Network(state)) => known.network = Some(state),
                Some(Section::Disks(state)) => known.disks = Some((state, held.recorded)),
                Some(Section::Boot(state)) => known.boot = Some(state),
                Some(Section::Intervals(state)) => known.intervals = Some(state),
                Some(Section::LabelAnswers(_) | Section::Users(_)) | None => {}
            }
        }
        known
    }

    /// Appends those of a host's sections that are news, all or none; acknowledged when durable.
    /// `recorded` is when the request arrived. Says how many there were.
    pub async fn report(
        &self,
        host: HostId,
        sections: Vec<Section>,
        recorded: Timestamp,
    ) -> Result<usize, AppendFailed> {
        let partition = Topic::Hosts.partition_of(u64::from(host.0));
        let mut news = Vec::new();
        for section in self.in_parts(host, sections, partition).await {
            if self.is_news(host, &section, partition, recorded).await {
                news.push(self.report_of(host, section, recorded));
            }
        }
        let drafts = news.iter().map(draft).collect();
        self.append(partition, drafts).await?;
        let count = news.len();
        news.iter().for_each(|report| self.acknowledge(report));
        Ok(count)
    }

    /// The states that say this. One that this process may not have heard of is taken to be there: it is emptied.
    async fn in_parts(&self, host: HostId, sections: Vec<Section>, partition: Partition) -> Vec<Section> {
        let lists = sections.iter().any(|section| Section::is_inventory(section.name()));
        let is_sure = lists && self.0.is_caught_up(partition).await;
        let cell = self.0.cell(host);
        let held = |slot| !is_sure || cell.facts().held(slot).is_some();
        sections.into_iter().flat_map(|section| section.into_parts(held)).collect()
    }

    /// A state is no news if it equals what is held, that is not too old, and nobody else can have said otherwise since.
    /// When in doubt it is: a duplicate is harmless.
    async fn is_news(&self, host: HostId, section: &Section, partition: Partition, now: Timestamp) -> bool {
        if !self.holds(host, section, now) {
            return true;
        }
        // What the fold learns while it catches up counts too.
        !(self.0.is_caught_up(partition).await && self.holds(host, section, now))
    }

    fn holds(&self, host: HostId, section: &Section, now: Timestamp) -> bool {
        let Some(cell) = self.0.cells.get(&host).map(|cell| cell.clone()) else { return false };
        let equal = |facts: &Facts| {
            let held = facts.held(section.slot())?;
            let old = BASELINE - Duration::from_secs(spread(host) % BASELINE_SPREAD);
            Some(held.hash == Report::hash(section) && now.since(held.recorded) < old)
        };
        equal(&cell.facts()).unwrap_or(false)
    }

    fn report_of(&self, host: HostId, section: Section, recorded: Timestamp) -> Report {
        Report { id: self.0.world.uuid(), source: format!("muster/{}", self.0.node), host, recorded, section }
    }

    fn acknowledge(&self, report: &Report) {
        let slot = report.section.slot();
        let hash = Report::hash(&report.section);
        let state: Arc<str> = self.0.shared.state(slot, &hash, &report.section.to_json().to_string());
        self.0.take(report.host, Held { slot, hash, recorded: report.recorded, state });
    }
}

fn draft(report: &Report) -> Draft {
    let encoded = report.encode();
    let key = Some(report.host.to_string().into_bytes().into());
    Draft { key, headers: encoded.headers, value: encoded.value.into() }
}
