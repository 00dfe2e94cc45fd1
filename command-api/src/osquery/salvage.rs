//! What can be read of a body that was cut off.
//!
//! A host whose post is too large repeats it for ever, and everything behind it waits. In the end as much is taken as is
//! whole: the text is cut back to the last place where it could be closed, and closed; what stands whole at its very end,
//! the node key and the statuses with many hosts, is put behind that.

/// One object of the beginning and the end of a text whose middle is gone: what stands whole in the beginning at most
/// `levels` deep (1 is the root's members), and the root's last members. `None` if not even a root began.
pub fn mend(head: &[u8], tail: &[u8], levels: usize) -> Option<Vec<u8>> {
    let Closed { mut text, whole } = close(head, levels)?;
    if !whole && let (Some(b'}'), Some(members)) = (text.last(), last_members(tail)) {
        text.pop();
        if !text.trim_ascii_end().ends_with(b"{") {
            text.push(b',');
        }
        text.extend_from_slice(members);
        text.push(b'}');
    }
    Some(text)
}

/// A text that can be parsed.
struct Closed {
    text: Vec<u8>,
    /// Nothing had to be closed.
    whole: bool,
}

/// The last members of an object whose beginning may be gone, as they stand between its braces: `"b":2,"c":3`.
///
/// Read backwards from the end, where no string is open: so every quote that is not escaped opens or closes one.
fn last_members(tail: &[u8]) -> Option<&[u8]> {
    let members = tail.trim_ascii_end().strip_suffix(b"}")?;
    let (mut depth, mut first, mut at) = (0_usize, None, members.len());
    while at > 0 {
        at -= 1;
        match members[at] {
            b'"' => match string_start(members, at) {
                Some(start) => at = start,
                None => break,
            },
            b'}' | b']' => depth += 1,
            b'{' | b'[' if depth == 0 => return Some(&members[at + 1..]),
            b'{' | b'[' => depth -= 1,
            b',' if depth == 0 => first = Some(at + 1),
            _ => {}
        }
    }
    first.map(|first| &members[first..])
}

/// The place of the quote that opens the string whose closing quote is at `close`.
fn string_start(text: &[u8], close: usize) -> Option<usize> {
    let escaped = |at: usize| text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    (0..close).rev().find(|at| text[*at] == b'"' && !escaped(*at))
}

/// As [`mend`], of a text whose end is not known.
pub fn salvage(text: &[u8], levels: usize) -> Option<Vec<u8>> {
    close(text, levels).map(|closed| closed.text)
}

/// Closes a JSON text that breaks off, keeping whole what stands at most `levels` deep (1 is the root's members).
/// `None` if not even a root began.
fn close(text: &[u8], levels: usize) -> Option<Closed> {
    let mut open: Vec<u8> = Vec::new();
    // Where the text may be cut, and what closes it there.
    let mut cut: Option<(usize, Vec<u8>)> = None;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => {
                at = string_end(text, at + 1);
                continue;
            }
            b'{' | b'[' => {
                open.push(if text[at] == b'{' { b'}' } else { b']' });
                if open.len() <= levels {
                    cut = Some((at + 1, open.clone()));
                }
            }
            b'}' | b']' => {
                open.pop()?;
                if open.is_empty() {
                    return Some(Closed { text: text[..=at].to_vec(), whole: true });
                }
                if open.len() <= levels {
                    cut = Some((at + 1, open.clone()));
                }
            }
            // What stands before a comma is whole.
            b',' if open.len() <= levels => cut = Some((at, open.clone())),
            _ => {}
        }
        at += 1;
    }
    let (until, closers) = cut?;
    let mut text = text[..until].to_vec();
    text.extend(closers.iter().rev());
    Some(Closed { text, whole: false })
}

/// The place after the closing quote; the end of a text that breaks off before it.
pub fn string_end(text: &[u8], mut at: usize) -> usize {
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salvaged(text: &str, levels: usize) -> Option<String> {
        mended(text, "", levels)
    }

    fn mended(head: &str, tail: &str, levels: usize) -> Option<String> {
        mend(head.as_bytes(), tail.as_bytes(), levels).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_whole_text_stays() {
        assert_eq!(salvaged(r#"{"a":[1,{"b":2}]} rest"#, 2).as_deref(), Some(r#"{"a":[1,{"b":2}]}"#));
    }

    #[test]
    fn lines_before_the_cut_are_kept() {
        let post = r#"{"node_key":"k","log_type":"result","data":[{"a":"x,]}\""},{"b":[1,2]},{"c":"#;
        let kept = r#"{"node_key":"k","log_type":"result","data":[{"a":"x,]}\""},{"b":[1,2]}]}"#;
        assert_eq!(salvaged(post, 2).as_deref(), Some(kept));
        assert_eq!(salvaged(&post[..post.len() - 6], 2).as_deref(), Some(kept));
    }

    #[test]
    fn a_single_line_that_does_not_fit_leaves_none() {
        let post = r#"{"node_key":"k","data":[{"a":"xxxxxxxx"#;
        assert_eq!(salvaged(post, 2).as_deref(), Some(r#"{"node_key":"k","data":[]}"#));
    }

    #[test]
    fn rows_before_the_cut_are_kept() {
        let write = r#"{"node_key":"k","queries":{"q1":[{"a":"1"}],"q2":[{"b":"2"},{"b":"#;
        assert_eq!(
            salvaged(write, 3).as_deref(),
            Some(r#"{"node_key":"k","queries":{"q1":[{"a":"1"}],"q2":[{"b":"2"}]}}"#)
        );
    }

    #[test]
    fn every_cut_of_a_post_can_be_parsed() {
        let post =
            r#"{"node_key":"k","log_type":"result","data":[{"a":"\u0041\\"},{"b":[1,{"c":null}],"d":{}}],"e":1.5e3}"#;
        for end in 1..post.len() {
            let kept = salvaged(&post[..end], 2).unwrap();
            serde_json::from_str::<serde_json::Value>(&kept).unwrap();
        }
    }

    #[test]
    fn members_behind_the_cut_are_kept() {
        let head = r#"{"queries":{"q1":[{"a":"1"},{"a":"2"#;
        let kept = |tail: &str| mended(head, tail, 3).unwrap();
        let beginning = r#"{"queries":{"q1":[{"a":"1"}]}"#;
        assert_eq!(
            kept(r#"x"}]},"statuses":{"q1":0},"node_key":"k"}"#),
            format!(r#"{beginning},"statuses":{{"q1":0}},"node_key":"k"}}"#)
        );
        assert_eq!(kept("\"}]}\n, \"node_key\" : \"k\" }\n "), format!("{beginning}, \"node_key\" : \"k\" }}"));
        assert_eq!(
            kept(r#""}]},"a":"x\\","b":",\"}{[\\\"","node_key":"k"}"#),
            format!(r#"{beginning},"a":"x\\","b":",\"}}{{[\\\"","node_key":"k"}}"#)
        );
        for nothing in ["", "}", r#"y"}]}}"#, r#"abc"}"#, "]", r#","node_key":"k""#] {
            assert_eq!(kept(nothing), format!("{beginning}}}"), "{nothing}");
        }
        assert_eq!(mended("{", r#","node_key":"k"}"#, 2).as_deref(), Some(r#"{"node_key":"k"}"#));
    }

    #[test]
    fn what_follows_a_whole_text_is_not_looked_at() {
        assert_eq!(
            mended(r#"{"node_key":"k"} "#, r#","node_key":"other"}"#, 2).as_deref(),
            Some(r#"{"node_key":"k"}"#)
        );
    }

    #[test]
    fn every_cut_out_of_a_write_leaves_its_key() {
        let write = r#"{"queries":{"q1":[{"a":"\\\"x,"},{"a":"}]"}]},"statuses":{"q1":0},"messages":{"q1":"\\"},"node_key":"k"}"#;
        let end = write.find(r#","node_key""#).unwrap();
        for cut in 1..write.len() {
            for from in 0..=end {
                let text = mended(&write[..cut], &write[from..], 3).unwrap();
                let mended: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(mended["node_key"], "k", "{cut} {from} {text}");
            }
        }
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        for text in ["", "   ", "\"abc", "]", "12"] {
            assert_eq!(salvaged(text, 2), None, "{text}");
        }
    }
}
