//! Where a creative's id on the platform comes from, when an operation needs it.

use crate::{
    step::Remote,
    types::{Context, Failure, RemoteKind},
};

/// Where a creative's id comes from. `A` is an adapter's translation of a creative.
///
/// Upload in a step that is the same for all three: what is known grows while an operation runs, and its steps must not
/// differ from run to run.
#[derive(Debug)]
pub enum Source<'a, A> {
    /// It is to be uploaded.
    Asset(&'a A),
    /// An earlier operation uploaded it, or an earlier run of this one.
    Known(&'a str),
    /// Neither is there: the update names one that it does not bring.
    Nowhere,
}

impl<A> Clone for Source<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Source<'_, A> {}

impl<'a, A> Source<'a, A> {
    /// Where the id of a creative comes from: what is known comes before what could be uploaded.
    #[must_use]
    pub fn of(ctx: &'a Context, creative_id: &str, asset: Option<&'a A>) -> Self {
        match (ctx.remote.id_of(&RemoteKind::Creative, creative_id), asset) {
            (Some(known), _) => Self::Known(known),
            (None, Some(asset)) => Self::Asset(asset),
            (None, None) => Self::Nowhere,
        }
    }
}

/// The failure of a creative that is [nowhere](Source::Nowhere). The platform by its name for people.
#[must_use]
pub fn nowhere(creative_id: &str, platform: &str) -> Failure {
    let message = format!("The creative {creative_id} is not on {platform}. Upload it first.");
    Failure::not_found("creative_missing", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::samples, types::RemoteObject};

    #[test]
    fn what_is_known_is_not_uploaded_again() {
        let mut ctx = samples::context();
        assert!(matches!(Source::of(&ctx, "spot", Some(&7)), Source::Asset(7)));
        assert!(matches!(Source::<i32>::of(&ctx, "spot", None), Source::Nowhere));
        ctx.remote.push(RemoteObject { kind: RemoteKind::Creative, key: "spot".to_owned(), id: "9".to_owned() });
        assert!(matches!(Source::of(&ctx, "spot", Some(&7)), Source::Known("9")));
    }
}
