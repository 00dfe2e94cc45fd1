//! What a host said in many words. Its key alone is read first, so that whoever has none costs no more than their bytes;
//! the rest when it is known who speaks, out of the room of known hosts.

use agent_protocol::BadBody;
use agent_protocol::request::NodeRequest;
use bytes::Bytes;

use super::Refused;
use super::body::{Body, TAIL, aside};
use super::salvage::mend;
use super::weigh::weigh;
use crate::App;

/// What one post may cost to read, as a part of what all may: a post that costs more is cut there.
const SHARE: usize = 4;

/// How a post is built.
#[derive(Clone, Copy)]
pub struct Shape {
    /// How deep that stands which is kept whole when the rest is cut: see [`mend`].
    pub levels: usize,
    /// What each member within an item costs while it is held, in bytes.
    pub member: usize,
}

/// A text of which only the key was read.
pub struct Said {
    /// Empty when absent.
    pub node_key: String,
    /// It had more bytes than the limit, or more items than there is memory for: its middle is gone.
    pub cut: bool,
    text: Bytes,
    /// Bytes that it takes to read it.
    cost: usize,
    body: Body,
}

impl Said {
    pub async fn of(app: &App, body: Body, shape: Shape) -> Result<Said, Refused> {
        let most = app.settings.limits.in_flight / SHARE;
        aside(body.bytes.len(), move || Said::read(body, shape, most)).await
    }

    fn read(body: Body, shape: Shape, most: usize) -> Result<Said, Refused> {
        let too_large = || Refused::too_large(body.bytes.len());
        let whole = match body.cut {
            false => body.bytes.clone(),
            true => Bytes::from(mend(&body.bytes, &body.tail, shape.levels).ok_or_else(too_large)?),
        };
        let node_key = NodeRequest::parse(&whole)?.node_key;
        if body.cut && node_key.is_empty() {
            // The key stood in what was cut out: that it is missing says nothing about the host.
            return Err(too_large());
        }
        let weight = weigh(&whole, shape.member, most);
        let text = match weight.end {
            None => whole,
            Some(end) => {
                let tail = &whole[end.max(whole.len().saturating_sub(TAIL))..];
                Bytes::from(mend(&whole[..end], tail, shape.levels).ok_or_else(too_large)?)
            }
        };
        let cut = body.cut || weight.end.is_some();
        let copied = if cut { text.len() } else { 0 };
        Ok(Said { node_key, cut, text, cost: weight.cost + copied, body })
    }

    /// Reads it, once it is known that a host said it. The body comes back to be kept as long as what was read is: it is
    /// counted until then.
    pub async fn parse<T: Send + 'static>(
        mut self,
        parse: fn(&[u8]) -> Result<T, BadBody>,
    ) -> Result<(T, Body), Refused> {
        self.body.admit(self.cost)?;
        aside(self.text.len(), move || Ok((parse(&self.text)?, self.body))).await
    }
}
