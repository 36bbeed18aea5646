//! Reads comma-separated values (RFC 4180) strictly: a report that is cut off, or of another shape, is refused rather than
//! half understood.

use csv_core::{ReadRecordResult, Reader};

/// A table: its first line names the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a table. `None` if it has no first line, a row of another length, or a quote that is not closed.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut rows = records(text)?.into_iter();
        let columns = rows.next()?;
        let rows: Vec<Vec<String>> = rows.collect();
        rows.iter().all(|row| row.len() == columns.len()).then_some(Self { columns, rows })
    }

    /// The rows, each as the cells of some columns. `None` if a column is missing.
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
    // `csv-core` takes the end of the text for the end of a quoted cell. In a whole table quotes come in pairs.
    if !text.bytes().filter(|byte| *byte == b'"').count().is_multiple_of(2) {
        return None;
    }
    let (mut reader, mut input) = (Reader::new(), text.as_bytes());
    // No record is longer than the text, nor has it more cells than the text has bytes and one.
    let (mut cells, mut ends) = (vec![0; text.len()], vec![0; text.len() + 1]);
    let (mut written, mut ended) = (0, 0);
    let mut records = Vec::new();
    loop {
        let (result, read, wrote, ends_wrote) = reader.read_record(input, &mut cells[written..], &mut ends[ended..]);
        input = &input[read..];
        (written, ended) = (written + wrote, ended + ends_wrote);
        match result {
            // Called again without input, the reader gives the record that no line break ended.
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

/// The cells of one record, by where each ends.
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
