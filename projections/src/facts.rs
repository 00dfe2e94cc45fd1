//! What hosts report, from their partitions.
//!
//! A report holds a section's whole new state from its `recordedtime` on. One that is older than the newest of its host
//! and section is late and changes nothing; one that says what is known already only moves the time of the newest.

mod index;
mod labels;
mod sections;

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::records::{Report, Section};
use domain::{HostId, Timestamp};
use infra_log::Topic;
use infra_stores::{Table, Write};

use crate::projection::{Facts as Batch, FoldError, Projection, Recorded, view};
use crate::tables::{HOST_INDEX, HOST_SECTION, LABEL_HOST};

use index::Indexes;
use labels::Memberships;
use sections::{Sections, Told};

pub(crate) use index::key as index_key;

/// One row per host and section for as long as its state stayed the same (of a long inventory, for each part); one per host with what lists sort and search
/// by, for as long as that stayed the same; one per host and dynamic label for as long as the host was a member.
/// Source: `host.*_reported`.
pub(crate) struct Facts;

#[async_trait]
impl Projection for Facts {
    fn name(&self) -> &'static str {
        view::FACTS
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Hosts
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&HOST_SECTION, &HOST_INDEX, &LABEL_HOST]
    }

    async fn fold(&self, batch: &Batch, version: i64, write: &mut Write) -> Result<(), FoldError> {
        let Batch::Reports(reports) = batch else { return Ok(()) };
        let touched = Touched::by(reports);
        let mut sections = Sections::load(&touched, version, write).await?;
        let mut indexes = Indexes::load(&touched, version, write).await?;
        let mut memberships = Memberships::load(&touched, version, write).await?;
        for Recorded { fact, .. } in reports {
            if sections.tell(fact) == Told::News {
                indexes.tell(fact);
                if let Section::LabelAnswers(answers) = &fact.section {
                    memberships.tell(fact.host, fact.recorded, &answers.members);
                }
            }
        }
        sections.save(version, write);
        indexes.save(version, write);
        memberships.save(version, write);
        Ok(())
    }
}

/// What a batch speaks of, so that only this is loaded.
struct Touched {
    hosts: Vec<HostId>,
    sections: Vec<&'static str>,
    labelled: Vec<HostId>,
    earliest: Timestamp,
}

impl Touched {
    fn by(reports: &[Recorded<Report>]) -> Touched {
        let reports = || reports.iter().map(|one| &one.fact);
        let is_labels = |report: &&Report| matches!(report.section, Section::LabelAnswers(_));
        let hosts: BTreeSet<HostId> = reports().map(|report| report.host).collect();
        let sections: BTreeSet<&str> = reports().map(|report| report.section.slot()).collect();
        let labelled: BTreeSet<HostId> = reports().filter(is_labels).map(|report| report.host).collect();
        Touched {
            hosts: hosts.into_iter().collect(),
            sections: sections.into_iter().collect(),
            labelled: labelled.into_iter().collect(),
            earliest: reports().map(|report| report.recorded).min().unwrap_or(Timestamp::FOREVER),
        }
    }
}
