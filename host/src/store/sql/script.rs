//! Statements and their expected results, for either database.
//!
//! A statement's parameters are plain `?`, bound in order. A [`Script`] is any number of statements
//! inside one transaction, each with an expectation of its result. The first statement that does
//! not meet its expectation ends the script with that expectation's error, and everything before it
//! is rolled back with the transaction.

use std::borrow::Cow;

use super::rows::Row;
use crate::store::StoreError;

/// The value of a parameter. Its type is known even for NULL, because PostgreSQL requires it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(Option<String>),
    /// An integer; flags are 0 and 1.
    Int(Option<i64>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

macro_rules! value_from {
    ($($type:ty => |$it:ident| $value:expr,)+) => {$(
        impl From<$type> for Value {
            fn from($it: $type) -> Self {
                $value
            }
        }
    )+};
}

value_from! {
    &str => |text| Self::Text(Some(text.to_owned())),
    String => |text| Self::Text(Some(text)),
    Option<&str> => |text| Self::Text(text.map(str::to_owned)),
    Option<String> => |text| Self::Text(text),
    i64 => |number| Self::Int(Some(number)),
    u32 => |number| Self::Int(Some(i64::from(number))),
    Option<i64> => |number| Self::Int(number),
    bool => |flag| Self::Int(Some(i64::from(flag))),
    &[u8] => |bytes| Self::Bytes(Some(bytes.to_vec())),
}

/// A statement and its parameters.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    /// The text of the statement.
    pub sql: Cow<'static, str>,
    /// The values of the parameters, in order.
    pub values: Vec<Value>,
}

impl Statement {
    /// Returns a statement without parameters.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// Appends to the text. `sql` must be text of this crate; anything from elsewhere is bound as a
    /// parameter.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Binds the next parameter.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self
    }

    /// Returns the statement with the next parameter bound.
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// Checks the rows of a statement.
pub(in crate::store) type Check = Box<dyn FnOnce(&[Row]) -> Result<(), StoreError> + Send>;

/// The expected result of a statement.
pub(in crate::store) enum Want {
    /// Any result.
    Any,
    /// This number of rows is written, or the script fails with this error.
    Changes(usize, StoreError),
    /// At least one row is found, or the script fails with this error.
    Row(StoreError),
    /// The rows pass this check, or the script fails with its error.
    Check(Check),
    /// Any result; the rows become the script's result.
    Keep,
}

impl std::fmt::Debug for Want {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Any => "Any",
            Self::Changes(..) => "Changes",
            Self::Row(_) => "Row",
            Self::Check(_) => "Check",
            Self::Keep => "Keep",
        })
    }
}

impl Want {
    /// Checks the result of a statement, and returns its rows if they are wanted.
    pub(in crate::store) fn judge(self, found: Vec<Row>, changes: u64) -> Result<Vec<Row>, StoreError> {
        match (self, found.first()) {
            (Self::Changes(count, error), _) if changes != count as u64 => Err(error),
            (Self::Row(error), None) => Err(error),
            (Self::Check(check), _) => check(&found).map(|()| Vec::new()),
            (Self::Keep, _) => Ok(found),
            (Self::Any | Self::Changes(..) | Self::Row(_), _) => Ok(Vec::new()),
        }
    }
}

/// A script under construction.
#[derive(Debug, Default)]
pub(in crate::store) struct Script {
    /// The statements in order, each with its expected result.
    pub statements: Vec<(Statement, Want)>,
}

impl Script {
    /// Adds a statement and returns it, so that its parameters can be bound.
    pub(in crate::store) fn statement(&mut self, sql: impl Into<Cow<'static, str>>, want: Want) -> &mut Statement {
        self.add(Statement::new(sql), want)
    }

    /// Adds a complete statement.
    pub(in crate::store) fn add(&mut self, statement: Statement, want: Want) -> &mut Statement {
        let index = self.statements.len();
        self.statements.push((statement, want));
        &mut self.statements[index].0
    }

    /// Returns a script of one statement whose rows are wanted.
    pub(in crate::store) fn asking(statement: Statement) -> Self {
        Self { statements: vec![(statement, Want::Keep)] }
    }
}
