//! The domain model of media buys: values, rules and state tables. No I/O, no clock, no async, no
//! SQL, no wasm.
//!
//! - [`id`], [`money`], [`time`]: the basic values. [`decimal`]: decimal numbers, parsed from their
//!   text.
//! - [`targeting`], [`creative`], [`media_buy`]: a buy and its parts.
//! - [`price`]: price models, goals, and the arithmetic between budget and goal. [`budget`]: the shares of a
//!   budget. Both are exact to the micro.
//! - [`create`]: turns a request into a new buy. [`product`]: what is for sale. [`change`],
//!   [`update`]: apply a change to a buy. [`terms`]: the rules that both share. [`growth`]: whether
//!   a change makes a buy larger.
//! - [`absence`]: when a buy that its ad server does not show counts as gone.
//! - [`status`]: the eight statuses of a buy, their transitions, and the one function that derives
//!   the status.
//! - [`approval`]: which changes need the verdicts of people, and whether those are there.
//! - [`task`], [`operation`], [`step`]: the state tables of approval and of durable execution.
//!   [`lane`]: which operations may run at the same time.
//! - [`lookup`]: the objects that lost requests created on an ad server.
//! - [`plan`], [`failure`], [`capability`], [`delivery`]: the results of adapters, in the host's
//!   own types.
//! - [`audit`]: who did what, in a tamper-evident order. [`keys`]: the keys that sign the log and
//!   encrypt secrets.
//! - [`purpose`]: what adapters are called for. [`role`]: what callers may do. [`person`]: the
//!   person behind a token.
//! - [`disclosure`]: messages in two versions, for buyers and for the publisher's staff. [`redaction`]:
//!   removes what buyers must not see from messages.
//! - [`problem`]: what is wrong with a request, field by field. [`field`]: identifies a field
//!   independently of any protocol. [`error_code`]: the error codes.
//! - [`weight`]: how much targeting a buy may have.
//! - [`text`]: which characters a text for people may contain. [`nfc`]: normalises text so that it
//!   can be compared.

pub mod absence;
pub mod account;
pub mod approval;
pub mod audit;
pub mod budget;
pub mod capability;
pub mod caution;
pub mod change;
pub mod create;
pub mod creative;
pub mod decimal;
pub mod delivery;
pub mod digest;
pub mod disclosure;
pub mod error_code;
pub mod event;
pub mod failure;
pub mod field;
pub mod growth;
pub mod id;
pub mod inquiry;
pub mod keys;
pub mod lane;
pub mod lookup;
pub mod media_buy;
pub mod money;
pub mod nfc;
pub mod operation;
pub mod person;
pub mod plan;
pub mod price;
pub mod problem;
pub mod product;
pub mod purpose;
pub mod redaction;
pub mod release;
pub mod role;
pub mod status;
pub mod step;
pub mod targeting;
pub mod task;
pub mod terms;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod time;
pub mod totals;
pub mod update;
pub mod webhook;
pub mod weight;
