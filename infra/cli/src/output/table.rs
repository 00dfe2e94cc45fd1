//! Columns for people to read: as wide as their content, wrapped where the terminal ends.
//!
//! Where the terminal is too narrow for the columns, each record is written as lines of `name: value` instead.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Screen;

/// Blanks between columns.
const GAP: usize = 2;
/// No column is squeezed below this.
const NARROWEST: usize = 8;

/// A table that can go on: rows come in parts, and the columns keep their place as far as they can.
pub struct Table {
    header: Vec<String>,
    natural: Vec<usize>,
    width: Option<usize>,
    begun: bool,
}

impl Table {
    /// A table with these column titles, for a terminal of that width, or for none.
    pub fn new(header: Vec<String>, width: Option<usize>) -> Self {
        let natural = header.iter().map(|title| title.width().max(1)).collect();
        Self { header, natural, width, begun: false }
    }

    /// The column titles.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Writes rows whose cells are safe to show, below the header if they are the first.
    pub fn write(&mut self, out: &mut dyn Write, rows: &[Vec<String>]) -> io::Result<()> {
        for row in rows {
            for (width, cell) in self.natural.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let first = !std::mem::replace(&mut self.begun, true);
        let Some(widths) = arranged(&self.natural, self.width) else {
            return rows.iter().try_for_each(|row| self.write_record(out, row));
        };
        if first {
            write_row(out, &self.header, &widths)?;
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            write_row(out, &rules, &widths)?;
        }
        rows.iter().try_for_each(|row| write_row(out, row, &widths))
    }

    fn write_record(&self, out: &mut dyn Write, row: &[String]) -> io::Result<()> {
        for (title, cell) in self.header.iter().zip(row) {
            writeln!(out, "{title}: {cell}")?;
        }
        writeln!(out)
    }
}

/// Writes a whole table at once.
pub fn write(screen: &mut Screen, header: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let header = header.iter().map(|title| (*title).to_owned()).collect();
    Table::new(header, screen.width).write(&mut screen.out, rows)?;
    screen.out.flush()
}

/// How wide each column is to be; `None` when they do not fit side by side.
fn arranged(natural: &[usize], available: Option<usize>) -> Option<Vec<usize>> {
    let gaps = GAP * natural.len().saturating_sub(1);
    let Some(available) = available else { return Some(natural.to_vec()) };
    let room = available.checked_sub(gaps)?;
    let capped = |cap: usize| natural.iter().map(|width| *width.min(&cap)).sum::<usize>();
    if capped(NARROWEST) > room {
        return None;
    }
    // The widest columns give way first, all to the same width.
    let widest = natural.iter().copied().max().unwrap_or_default();
    let (mut fits, mut too_wide) = (NARROWEST, widest.max(NARROWEST) + 1);
    while too_wide - fits > 1 {
        let middle = fits.midpoint(too_wide);
        if capped(middle) <= room { fits = middle } else { too_wide = middle }
    }
    let mut spare = room - capped(fits);
    let widths = natural.iter().map(|width| match *width > fits && spare > 0 {
        true => {
            spare -= 1;
            fits + 1
        }
        false => *width.min(&fits),
    });
    Some(widths.collect())
}

fn write_row(out: &mut dyn Write, cells: &[String], widths: &[usize]) -> io::Result<()> {
    let wrapped: Vec<Vec<&str>> = cells.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or_default();
    for line in 0..height {
        let mut text = String::new();
        let mut begins = 0;
        for (parts, width) in wrapped.iter().zip(widths) {
            if let Some(part) = parts.get(line).filter(|part| !part.is_empty()) {
                let at = text.width();
                text.extend(std::iter::repeat_n(' ', begins - at.min(begins)));
                text.push_str(part);
            }
            begins += width + GAP;
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

/// Cuts a text into parts that fit, at a blank if there is one in the second half of a part.
fn wrap(text: &str, width: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.width() > width {
        let mut used = 0;
        let fits = rest.char_indices().find(|(_, character)| {
            used += character.width().unwrap_or(0);
            used > width
        });
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = fits.map_or(rest.len(), |(at, _)| at).max(first);
        let end = match rest[..end].rfind(' ') {
            Some(blank) if blank > end / 2 => blank + 1,
            _ => end,
        };
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>, header: &[&str], parts: &[&[&[&str]]]) -> String {
        let mut table = Table::new(header.iter().map(|title| title.to_string()).collect(), width);
        let mut out = Vec::new();
        for rows in parts {
            let rows: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect();
            table.write(&mut out, &rows).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let shown = table(None, &["host", "name"], &[&[&["a", "bash"], &["build-07", "x"]]]);
        assert_eq!(shown, "host      name\n--------  ----\na         bash\nbuild-07  x\n");
    }

    #[test]
    fn wide_characters_count_for_two() {
        let shown = table(None, &["a", "b"], &[&[&["世界", "1"], &["xy", "2"]]]);
        assert_eq!(shown, "a     b\n----  -\n世界  1\nxy    2\n");
    }

    #[test]
    fn later_rows_keep_the_columns_and_have_no_second_header() {
        let shown = table(None, &["h", "n"], &[&[&["long-name", "1"]], &[&["b", "2"]]]);
        assert_eq!(shown, "h          n\n---------  -\nlong-name  1\nb          2\n");
    }

    #[test]
    fn long_cells_wrap_within_the_terminal() {
        let shown = table(Some(20), &["id", "text"], &[&[&["1", "the quick brown fox jumps"], &["2", "x"]]]);
        assert!(shown.lines().all(|line| line.width() <= 20), "{shown}");
        assert_eq!(shown, "id  text\n--  ----------------\n1   the quick brown\n    fox jumps\n2   x\n");
    }

    #[test]
    fn columns_that_cannot_stand_side_by_side_become_lines() {
        let shown = table(Some(20), &["a", "b", "c"], &[&[&["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"]]]);
        assert_eq!(shown, "a: aaaaaaaaaa\nb: bbbbbbbbbb\nc: cccccccccc\n\n");
    }

    #[test]
    fn room_is_shared_fairly_and_used_up() {
        assert_eq!(arranged(&[4, 30, 30], Some(45)), Some(vec![4, 19, 18]));
        assert_eq!(arranged(&[4, 5], Some(80)), Some(vec![4, 5]));
        assert_eq!(arranged(&[100], Some(80)), Some(vec![80]));
        assert_eq!(arranged(&[100, 100], Some(10)), None);
    }

    #[test]
    fn wrapping_loses_nothing() {
        for (text, width) in
            [("世世世世世", 3), ("", 4), ("a b c d e f", 2), ("e\u{301}e\u{301}e\u{301}", 1), ("世", 1)]
        {
            assert_eq!(wrap(text, width).concat(), text);
        }
    }
}
