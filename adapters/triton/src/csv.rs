//! A strict parser for comma-separated values (RFC 4180): a report that is cut off, or has another
//! shape, is refused rather than partly read.

use csv_core::{ReadRecordResult, Reader};

/// A table. Its first line contains the column names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Parses a table. Returns `None` if it has no first line, a row of another length, or an
    /// unclosed quote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut rows = records(text)?.into_iter();
        let columns = rows.next()?;
        let rows: Vec<Vec<String>> = rows.collect();
        rows.iter().all(|row| row.len() == columns.len()).then_some(Self { columns, rows })
    }

    /// Returns the rows, each with the cells of some columns. Returns `None` if a column is
    /// missing.
    #[must_use]
    pub fn cells<const N: usize>(&self, columns: [&str; N]) -> Option<Vec<[&str; N]>> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(columns) {
            *place = self.columns.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        }
        Some(self.rows.iter().map(|row| places.map(|place| row[place].as_str())).collect())
    }
}

fn records(text: &str) -> Option<Vec<Vec<String>>> {
    // `csv-core` accepts the end of the text as the end of a quoted cell. In a complete table,
    // quotes come in pairs.
    if !text.bytes().filter(|byte| *byte == b'"').count().is_multiple_of(2) {
        return None;
    }
    let (mut reader, mut input) = (Reader::new(), text.as_bytes());
    // A record is at most as long as the text, and has at most one cell more than the text has
    // bytes.
    let (mut cells, mut ends) = (vec![0; text.len()], vec![0; text.len() + 1]);
    let (mut written, mut ended) = (0, 0);
    let mut records = Vec::new();
    loop {
        let (result, read, wrote, ends_wrote) = reader.read_record(input, &mut cells[written..], &mut ends[ended..]);
        input = &input[read..];
        (written, ended) = (written + wrote, ended + ends_wrote);
        match result {
            // When called again without input, the reader returns a last record that has no line
            // break.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::Record => {
                records.push(cells_of(&cells, &ends[..ended])?);
                (written, ended) = (0, 0);
            }
            ReadRecordResult::End => return Some(records),
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return None,
        }
    }
}

/// Splits one record into its cells, given the end of each.
fn cells_of(cells: &[u8], ends: &[usize]) -> Option<Vec<String>> {
    let mut start = 0;
    let cell = |end: &usize| {
        let bytes = cells.get(std::mem::replace(&mut start, *end)..*end)?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    };
    ends.iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_by_their_columns() {
        let text = "date,flightName,impressions\r\n2026-12-01,\"A, \"\"b\"\"\nc\",7\r\n2026-12-02,x,8";
        for text in [text.to_owned(), format!("\u{feff}{text}"), format!("{text}\r\n")] {
            let table = Table::read(&text).unwrap();
            assert_eq!(table.cells(["impressions", "flightname"]).unwrap(), [["7", "A, \"b\"\nc"], ["8", "x"]]);
            assert_eq!(table.cells(["date"]).unwrap(), [["2026-12-01"], ["2026-12-02"]]);
            assert_eq!(table.cells(["reach"]), None);
        }
        assert_eq!(Table::read("a,b\n").unwrap().cells(["a"]).unwrap().len(), 0);
        assert_eq!(Table::read("a,b\né,\n").unwrap().cells(["b", "a"]).unwrap(), [["", "é"]]);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for text in ["", "a,b\n1", "a,b\n1,2,3\n", "a\n\"x", "a,b\n1,\"2\n3,4"] {
            assert_eq!(Table::read(text), None, "{text:?}");
        }
    }
}
