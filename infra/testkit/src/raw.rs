//! HTTP by hand, for what no HTTP library says: bodies that break off, verbs that nobody has, lengths that lie.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::door::Door;

/// What came back before the connection ended or the patience was over.
#[derive(Debug)]
pub struct Heard {
    /// 0 if there was no status line.
    pub status: u16,
    pub body: Vec<u8>,
    /// The server ended the connection.
    pub ended: bool,
}

/// Says `bytes`, ends our side if `hang_up`, and listens until a whole answer with a length came, the server ended, or
/// `patience` is over.
pub async fn say(door: &Door, bytes: &[u8], hang_up: bool, patience: Duration) -> anyhow::Result<Heard> {
    let mut stream = door.connect().await?;
    // A server that has refused already may not want to hear the rest.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    if hang_up {
        let _ = stream.shutdown().await;
    }
    let mut heard = Vec::new();
    let listening = async {
        let mut step = [0; 16 * 1024];
        while !is_whole(&heard) {
            match stream.read(&mut step).await {
                Ok(0) | Err(_) => return true,
                Ok(read) => heard.extend_from_slice(&step[..read]),
            }
        }
        false
    };
    let ended = tokio::time::timeout(patience, Box::pin(listening)).await.unwrap_or(false);
    Ok(Heard { status: status(&heard).unwrap_or(0), body: body(&heard).to_vec(), ended })
}

/// A request with a JSON body.
pub fn request(verb: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{verb} {path} HTTP/1.1\r\nHost: muster\r\nContent-Type: application/json\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut bytes = (text + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn split(heard: &[u8]) -> Option<(&str, &[u8])> {
    let end = heard.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&heard[..end]).ok()?, &heard[end + 4..]))
}

fn status(heard: &[u8]) -> Option<u16> {
    split(heard)?.0.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn body(heard: &[u8]) -> &[u8] {
    split(heard).map_or(&[], |(_, body)| body)
}

fn is_whole(heard: &[u8]) -> bool {
    let Some((head, body)) = split(heard) else { return false };
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.next().and_then(|(_, value)| value.trim().parse().ok()).is_some_and(|length: usize| body.len() >= length)
}
