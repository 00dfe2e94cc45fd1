//! What an operator on this machine may order a running server to do.

use anyhow::bail;
use async_trait::async_trait;

use super::parts::Parts;
use crate::control::Orders;

pub struct Running(Parts);

impl Running {
    pub fn new(parts: Parts) -> Self {
        Running(parts)
    }
}

#[async_trait]
impl Orders for Running {
    async fn carry_out(&self, order: &str) -> anyhow::Result<String> {
        match order.split_once(' ') {
            Some(("rebuild", view)) => self.0.views.rebuild(view.trim()).await,
            _ => bail!("{order:?} is not an order of this release: rebuild VIEW"),
        }
    }
}
