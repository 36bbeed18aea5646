//! Statements and what must come of them, for either database.
//!
//! A statement's parameters are plain `?`, bound in order. A [`Script`] is any number of statements
//! inside one transaction, and for each of them what must come of it. The first that comes out
//! otherwise ends the script with its refusal; what came before is undone with the transaction.

use std::borrow::Cow;

use super::rows::Row;
use crate::store::StoreError;

/// The value of a parameter. Its type is known even where it is NULL: PostgreSQL asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(Option<String>),
    /// A whole number; flags are 0 and 1.
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
    /// Its text.
    pub sql: Cow<'static, str>,
    /// The values of its parameters, in order.
    pub values: Vec<Value>,
}

impl Statement {
    /// A statement that has no parameters yet.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// Adds to its text. Never anything but text of this crate: what comes from elsewhere is a
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

    /// Binds the next parameter.
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// Judges the rows of a statement.
pub(in crate::store) type Check = Box<dyn FnOnce(&[Row]) -> Result<(), StoreError> + Send>;

/// What must come of a statement.
pub(in crate::store) enum Want {
    /// Anything.
    Any,
    /// So many rows are written; otherwise this error.
    Changes(usize, StoreError),
    /// A row is found; otherwise this error.
    Row(StoreError),
    /// What the rows must be; otherwise its error.
    Check(Check),
    /// Its rows are the script's result.
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
    /// Judges what came of a statement, and keeps its rows if they are wanted.
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

/// A script that is being written.
#[derive(Debug, Default)]
pub(in crate::store) struct Script {
    /// Its statements, in order.
    pub statements: Vec<(Statement, Want)>,
}

impl Script {
    /// Adds a statement; its parameters are bound by the calls on what is returned.
    pub(in crate::store) fn statement(&mut self, sql: impl Into<Cow<'static, str>>, want: Want) -> &mut Statement {
        self.add(Statement::new(sql), want)
    }

    /// Adds a statement that is written already.
    pub(in crate::store) fn add(&mut self, statement: Statement, want: Want) -> &mut Statement {
        let index = self.statements.len();
        self.statements.push((statement, want));
        &mut self.statements[index].0
    }

    /// A script of one statement whose rows are wanted.
    pub(in crate::store) fn asking(statement: Statement) -> Self {
        Self { statements: vec![(statement, Want::Keep)] }
    }
}
