//! Comma-separated values as RFC 4180 has them, with plain line feeds.

use std::io::{self, Write};

/// Writes one record.
pub fn write_record<'a>(out: &mut dyn Write, fields: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    let mut count = 0;
    for field in fields {
        if count > 0 {
            out.write_all(b",")?;
        }
        count += 1;
        // A record of one empty field would be an empty line, which readers skip.
        if must_be_quoted(field) || (count == 1 && field.is_empty()) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// Blanks at an edge are quoted too, since some readers drop them.
fn must_be_quoted(field: &str) -> bool {
    field.contains([',', '"', '\n', '\r'])
        || field.starts_with(char::is_whitespace)
        || field.ends_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&str]) -> String {
        let mut out = Vec::new();
        write_record(&mut out, fields.iter().copied()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!(record(&["a", "b c", ""]), "a,b c,\n");
        assert_eq!(
            record(&["1,5", "say \"hi\"", "two\nlines", "cr\r", " edge"]),
            "\"1,5\",\"say \"\"hi\"\"\",\"two\nlines\",\"cr\r\",\" edge\"\n"
        );
        assert_eq!(record(&[""]), "\"\"\n");
    }
}
