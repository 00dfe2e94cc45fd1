//! What can be read of a body that was cut off.
//!
//! A host whose post is too large repeats it for ever, and everything behind it waits. In the end as much is taken as is
//! whole: the text is cut back to the last place where it could be closed, and closed.

/// Closes a JSON text that breaks off, keeping whole what stands at most `levels` deep (1 is the root's members).
/// `None` if not even a root began.
pub fn salvage(text: &[u8], levels: usize) -> Option<Vec<u8>> {
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
                    return Some(text[..=at].to_vec());
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
    let mut whole = text[..until].to_vec();
    whole.extend(closers.iter().rev());
    Some(whole)
}

/// The place after the closing quote; the end of a text that breaks off before it.
fn string_end(text: &[u8], mut at: usize) -> usize {
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
        salvage(text.as_bytes(), levels).map(|text| String::from_utf8(text).unwrap())
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
            let kept = salvage(&post.as_bytes()[..end], 2).unwrap();
            serde_json::from_slice::<serde_json::Value>(&kept).unwrap();
        }
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        for text in ["", "   ", "\"abc", "]", "12"] {
            assert_eq!(salvaged(text, 2), None, "{text}");
        }
    }
}
