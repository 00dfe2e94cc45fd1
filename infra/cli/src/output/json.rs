//! One JSON object a line.

use std::io::{self, Write};

use serde_json::Value;

use super::escape::is_obeyed;

/// Writes one value and a line end. The line is plain JSON, and harmless to a terminal all the same.
pub fn write_line(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    writeln!(out, "{}", harmless(value.to_string()))
}

/// Such characters stand only inside strings, where JSON can spell any character as an escape.
fn harmless(json: String) -> String {
    if !json.chars().any(is_obeyed) {
        return json;
    }
    let mut spelled = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_obeyed(character) {
            spelled.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            spelled.push(character);
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_same_json_without_anything_to_obey() {
        let value = serde_json::json!({"a": "x\u{1b}[2J\u{9b}\n\u{202e}\u{feff}", "b": ["世界", "\"\\"]});
        let mut line = Vec::new();
        write_line(&mut line, &value).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        assert!(!line.trim_end().chars().any(is_obeyed), "{line:?}");
    }
}
