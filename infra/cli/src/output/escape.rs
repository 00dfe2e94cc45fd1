//! Text from hosts, made safe to show.
//!
//! A host chooses its rows, its messages and its name; shown as they are, they could move the cursor, recolour the
//! screen or turn a line around. JSON and CSV for programs keep the values as they are.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that a terminal would obey replaced by a visible escape.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            obeyed if is_obeyed(obeyed) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(obeyed));
            }
            harmless => shown.push(harmless),
        }
    }
    Cow::Owned(shown)
}

/// Control characters, and those that change the direction or the width of what follows.
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_instead() {
        assert_eq!(escaped("a\u{1b}[31mred\u{7}"), "a\\u{1b}[31mred\\u{7}");
        assert_eq!(escaped("two\nlines\tand\r"), "two\\nlines\\tand\\r");
        assert_eq!(escaped("\u{9b}2J\u{202e}txt.exe"), "\\u{9b}2J\\u{202e}txt.exe");
    }

    #[test]
    fn ordinary_text_of_any_language_stays() {
        for text in ["plain", "Grüße, 世界 👋", "a\\b", "e\u{301}", ""] {
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
