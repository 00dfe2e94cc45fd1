//! The end of a body whose middle is given up: with many hosts the node key stands there.

use bytes::Bytes;

use super::hold::Hold;
use crate::osquery::Refused;

/// What is kept of the end, in bytes.
pub const LENGTH: usize = 256 * 1024;

/// The last bytes of what is thrown away.
pub struct Tail(Vec<u8>);

impl Tail {
    /// Keeps the end of what is thrown away, once something is.
    pub fn keep(tail: &mut Option<Tail>, thrown: &[u8], hold: &mut Hold) -> Result<(), Refused> {
        if thrown.is_empty() {
            return Ok(());
        }
        if tail.is_none() {
            hold.take(2 * LENGTH)?;
        }
        tail.get_or_insert_with(|| Tail(Vec::new())).push(thrown);
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(LENGTH)..]);
        if self.0.len() >= 2 * LENGTH {
            self.0.drain(..self.0.len() - LENGTH);
        }
    }

    /// The end of a body that begins with `head`: what stands across the limit is whole in it.
    pub fn behind(self, head: &[u8]) -> Bytes {
        let room = LENGTH.saturating_sub(self.0.len());
        let mut tail = head[head.len().saturating_sub(room)..].to_vec();
        tail.extend_from_slice(&self.0);
        tail.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_whatever_the_steps() {
        let body: Vec<u8> = (0..3 * LENGTH).map(|at| (at % 251) as u8).collect();
        for (head, step) in [(10, 1_000), (10, LENGTH), (10, 3 * LENGTH), (3 * LENGTH - 5, 3), (LENGTH, 64 * 1024)] {
            let mut tail = Tail(Vec::new());
            body[head..].chunks(step).for_each(|chunk| tail.push(chunk));
            assert!(tail.0.len() < 2 * LENGTH);
            let kept = tail.behind(&body[..head]);
            assert!(kept.len() >= LENGTH.min(body.len()) && body.ends_with(&kept), "{head} {step}");
        }
    }
}
