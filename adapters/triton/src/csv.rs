//! Comma-separated values (RFC 4180), read strictly: a report that is cut off or of another shape is refused rather than
//! half understood.

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
        let mut lines = lines(text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
        let columns = lines.next()?;
        let rows: Vec<Vec<String>> = lines.collect();
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

fn lines(text: &str) -> Option<Vec<Vec<String>>> {
    let mut lines = Vec::new();
    let (mut line, mut cell) = (Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let (mut quoted, mut began) = (false, false);
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted && letters.peek() == Some(&'\n') => continue,
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
                began = false;
                continue;
            }
            other => cell.push(other),
        }
        began = true;
    }
    if quoted {
        return None;
    }
    if began {
        line.push(cell);
        lines.push(line);
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_by_their_columns() {
        let table =
            Table::read("date,flightName,impressions\r\n2026-12-01,\"A, \"\"b\"\"\nc\",7\r\n2026-12-02,x,8").unwrap();
        assert_eq!(table.cells(["impressions", "flightname"]).unwrap(), [["7", "A, \"b\"\nc"], ["8", "x"]]);
        assert_eq!(table.cells(["reach"]), None);
        assert_eq!(Table::read("a,b\n").unwrap().cells(["a"]).unwrap().len(), 0);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for text in ["", "a,b\n1", "a,b\n1,2,3\n", "a\n\"x"] {
            assert_eq!(Table::read(text), None, "{text:?}");
        }
    }
}
