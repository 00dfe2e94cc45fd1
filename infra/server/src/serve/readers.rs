//! The reading side's word about who reads a campaign, in one process with the side that decides.

use actix_web::web::Data as Shared;
use async_trait::async_trait;
use dashmap::DashSet;
use domain::CampaignId;
use query_api::Attendance;

pub struct Readers {
    commands: Shared<command_api::App>,
    seated: DashSet<(CampaignId, String)>,
}

impl Readers {
    pub fn new(commands: Shared<command_api::App>) -> Self {
        Readers { commands, seated: DashSet::new() }
    }
}

#[async_trait]
impl Attendance for Readers {
    async fn attended(&self, campaign: CampaignId, reader: &str) {
        if self.seated.insert((campaign, reader.to_owned())) {
            self.commands.registry.attended(campaign);
        }
    }

    async fn left(&self, campaign: CampaignId, reader: &str) {
        if self.seated.remove(&(campaign, reader.to_owned())).is_some() {
            command_api::campaigns::left(&self.commands, campaign).await;
        }
    }
}
