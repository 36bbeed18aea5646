//! What a media buy is: values, rules and state tables. No I/O, no clock, no async, no SQL, no wasm.
//!
//! - [`id`], [`money`], [`time`]: the values that everything else is made of. [`decimal`]: numbers by their text.
//! - [`targeting`], [`creative`], [`media_buy`]: a buy and its parts.
//! - [`budget`]: the arithmetic of budget, price and impressions, exact to the micro.
//! - [`create`]: what makes a request a new buy; [`product`]: what is for sale. [`change`], [`update`]: what a change makes of a buy.
//!   [`terms`]: what holds for both. [`growth`]: whether a buy is larger than it was.
//! - [`absence`]: when an ad server is believed that does not show a buy.
//! - [`status`]: the eight statuses of a buy, their transitions, and the one function that derives the status.
//! - [`task`], [`operation`], [`step`]: the state tables of approval and of durable execution. [`lane`]: who may run beside whom.
//! - [`lookup`]: what a request made that nobody waited for any more.
//! - [`plan`], [`failure`], [`capability`], [`delivery`]: what adapters say, in the host's own types.
//! - [`audit`]: who did what, in an order that nobody can change unnoticed. [`keys`]: with what it is signed, and secrets are encrypted.
//! - [`purpose`]: what adapters are called for. [`role`]: what callers may do. [`person`]: who stands behind a token.
//! - [`told`]: what a buyer is told of a failure, and what the publisher. [`redaction`]: texts without what is no buyer's business.
//! - [`problem`]: what is wrong with a request, field by field. [`field`]: which field, in words of no protocol. [`error_code`]: the code of
//!   what went wrong.
//! - [`weight`]: how much targeting a buy may have.
//! - [`text`]: what a text may hold that a person reads. [`nfc`]: one form for texts that are compared.

pub mod absence;
pub mod audit;
pub mod budget;
pub mod capability;
pub mod change;
pub mod create;
pub mod creative;
pub mod decimal;
pub mod delivery;
pub mod digest;
pub mod error_code;
pub mod event;
pub mod failure;
pub mod field;
pub mod growth;
pub mod id;
pub mod keys;
pub mod lane;
pub mod lookup;
pub mod media_buy;
pub mod money;
pub mod nfc;
pub mod operation;
pub mod person;
pub mod plan;
pub mod problem;
pub mod product;
pub mod purpose;
pub mod redaction;
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
pub mod told;
pub mod update;
pub mod webhook;
pub mod weight;
