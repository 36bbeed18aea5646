//! The source of a creative's id on the platform, for an operation that needs it.

use crate::{
    step::Remote,
    types::{Context, Failure, RemoteKind},
};

/// The source of a creative's id. `A` is an adapter's translation of a creative.
///
/// Upload in a step that is the same for all three variants: the set of known ids grows while an
/// operation runs, and an operation must name the same steps in every run.
#[derive(Debug)]
pub enum Source<'a, A> {
    /// The creative has to be uploaded.
    Asset(&'a A),
    /// An earlier operation uploaded it, or an earlier run of this one.
    Known(&'a str),
    /// Neither: the update names a creative that it doesn't contain.
    Nowhere,
}

impl<A> Clone for Source<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Source<'_, A> {}

impl<'a, A> Source<'a, A> {
    /// Returns the source of a creative's id. A known id takes precedence over an upload.
    #[must_use]
    pub fn of(ctx: &'a Context, creative_id: &str, asset: Option<&'a A>) -> Self {
        match (ctx.remote.id_of(&RemoteKind::Creative, creative_id), asset) {
            (Some(known), _) => Self::Known(known),
            (None, Some(asset)) => Self::Asset(asset),
            (None, None) => Self::Nowhere,
        }
    }
}

/// Makes the failure of a creative that is [nowhere](Source::Nowhere). `platform` is the platform's
/// display name.
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
