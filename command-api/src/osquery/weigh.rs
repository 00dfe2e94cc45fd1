//! What a JSON text costs when it is read: `{},` is three bytes, the row that is made of it many more.

use super::salvage::string_end;

/// An item of a list of lines, or the entry of a query, with all that is made of it, in bytes.
const ITEM: usize = 1_024;
/// How deep those stand: 1 is the root's members.
const ITEMS: usize = 2;

/// What a text costs.
#[derive(Debug, PartialEq, Eq)]
pub struct Weight {
    /// In bytes, beside the text itself.
    pub cost: usize,
    /// Where it had cost too much; `None` if it costs no more than it may.
    pub end: Option<usize>,
}

/// Counts items and the members within them, each of which costs `member` bytes, until they cost more than `most`.
pub fn weigh(text: &[u8], member: usize, most: usize) -> Weight {
    let (mut depth, mut cost, mut at) = (0_usize, 0, 0);
    let of = |depth: usize| if depth <= ITEMS { ITEM } else { member };
    while at < text.len() {
        match text[at] {
            b'"' => {
                at = string_end(text, at + 1);
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                cost += of(depth);
            }
            b'}' | b']' if depth <= 1 => break,
            b'}' | b']' => depth -= 1,
            b',' => cost += of(depth),
            _ => {}
        }
        if cost > most {
            return Weight { cost: most, end: Some(at) };
        }
        at += 1;
    }
    Weight { cost, end: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_members_have_their_price() {
        let cost = |text: &str| weigh(text.as_bytes(), 1, usize::MAX).cost;
        // The root, the list, and an item behind each comma; each line and each member behind a comma.
        assert_eq!(cost(r#"{"data":[{},{"a":"1,2]\",{","b":[]}]}"#), 3 * 1_024 + 2 + 2);
        assert_eq!(cost(r#"{"node_key":"k"} and , more , {"#), 1_024);
        assert_eq!(cost(r#"{"node_key":"k","#), 2 * 1_024);
    }

    #[test]
    fn the_end_is_where_it_had_cost_too_much() {
        let text = r#"{"data":[1,2,3,4]}"#;
        let weight = weigh(text.as_bytes(), 1, 4 * 1_024);
        assert_eq!(weight, Weight { cost: 4 * 1_024, end: Some(text.find(",4").unwrap()) });
        assert_eq!(weigh(text.as_bytes(), 1, 5 * 1_024).end, None);
    }
}
