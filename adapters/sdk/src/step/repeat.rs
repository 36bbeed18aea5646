//! Steps whose change is safe to repeat: in doubt, they make it again and look nothing up.

use serde::{Serialize, de::DeserializeOwned};

use super::{Looked, Memory, Step, Verdict};
use crate::types::Failure;

impl<M> Step<M> {
    /// Makes a change that is idempotent, such as setting a whole object to a given state. In
    /// doubt, it is made again.
    ///
    /// # Errors
    /// When the change fails.
    pub fn set<T>(self, change: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        self.run(|_| Ok(Looked::Not), |_| change())
    }

    /// Like [`set`](Self::set), but also records a refusal.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the [`Verdict`].
    pub fn try_set<T>(self, change: impl FnOnce() -> Result<T, Failure>) -> Result<Verdict<T>, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        self.try_run(|_| Ok(Looked::Not), |_| change())
    }

    /// Makes a write under an idempotency key, which is the step's reference. In doubt, the write
    /// is made again with the same key, without a lookup: the platform recognises the key, does
    /// nothing, and answers what it answered the first time.
    ///
    /// ```ignore
    /// let id: String = step(format!("line/{}", package.package_id))
    ///     .remember(RemoteKind::Package, &package.package_id)
    ///     .idempotent(|reference| {
    ///         let made: Made = api.post("/lines").header("idempotency-key", reference).json(&line).fetch()?;
    ///         Ok(made.id)
    ///     })?;
    /// ```
    ///
    /// This is right only if all of these hold. Otherwise use [`find`](Self::find):
    ///
    /// - The platform keeps a key for longer than an operation may take. By default, the host
    ///   retries an operation for 24 hours after its first failure, and a person may let it go on
    ///   days later. A platform that has forgotten the key makes a second object. If its keys
    ///   expire earlier and its objects can be searched, put the reference on the object, too, and
    ///   use `find`.
    /// - The answer to a repeated key has all that the step returns, such as the object's id.
    /// - The request is the same each time. Platforms refuse a key that comes with another body, so
    ///   build the body from the arguments of the call, never from the clock or from a list that
    ///   the platform may have changed.
    /// - The write makes something. To set values, use [`set`](Self::set): the host may ask for
    ///   values to be set once more after a late request has put older ones back, and a repeated
    ///   key would set nothing.
    ///
    /// Some platforms replay an error under its key as well. If yours does that with temporary
    /// errors, no retry can succeed: such a platform needs `find`.
    ///
    /// # Errors
    /// When the write fails.
    pub fn idempotent<T>(self, write: impl FnOnce(&str) -> Result<T, Failure>) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        self.run(|_| Ok(Looked::Not), write)
    }

    /// Like [`idempotent`](Self::idempotent), but also records a refusal.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the [`Verdict`].
    pub fn try_idempotent<T>(self, write: impl FnOnce(&str) -> Result<T, Failure>) -> Result<Verdict<T>, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        self.try_run(|_| Ok(Looked::Not), write)
    }
}
