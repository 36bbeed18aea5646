//! Typed ids, so that the id of a task can't be mistaken for that of an operation.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Creates an id from its text, as the store, the configuration or a caller has it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as a string.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

macro_rules! minted {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// Creates a new id: a readable prefix and a UUIDv7, which sorts by time.
            pub fn mint() -> Self {
                Self(format!(concat!($prefix, "_{}"), Uuid::now_v7().simple()))
            }
        }
    };
}

id!(
    /// The id of a media buy: `<platform>_<id>`, or `multi_<id>` if its packages are on several
    /// platforms.
    MediaBuyId
);
id!(
    /// The id of a package of a media buy, which is that of its product.
    PackageId
);
id!(
    /// The buyer's id of a creative; unique within its buy.
    CreativeId
);
id!(
    /// The id of an operation.
    OperationId
);
id!(
    /// The id of a task.
    TaskId
);
id!(
    /// The id of an event.
    EventId
);
id!(
    /// The id of a webhook endpoint.
    WebhookId
);
id!(
    /// The id of a group of the publisher's people, from the configuration.
    GroupId
);
id!(
    /// The id of a buyer: an agency, a brand, an orchestrator.
    PrincipalId
);
id!(
    /// The name of a configured platform. The ids of its buys begin with it.
    PlatformName
);

minted!(OperationId, "op");
minted!(TaskId, "task");
minted!(EventId, "evt");
minted!(WebhookId, "wh");

impl OperationId {
    /// Returns the id of the operation for a follow-up. A second one for the same reason would have
    /// the same id, so the database takes only one.
    pub fn of_follow_up(buy: &MediaBuyId, platform: &PlatformName, reason: &str) -> Self {
        let digest = super::digest::sha256(format!("follow-up\n{buy}\n{platform}\n{reason}").as_bytes());
        Self(format!("op_{}", &digest[..32]))
    }
}

impl MediaBuyId {
    /// Creates a new id for a buy whose packages are on these platforms.
    pub fn mint<'a>(platforms: impl IntoIterator<Item = &'a PlatformName>) -> Self {
        let mut platforms = platforms.into_iter();
        let first = platforms.next();
        let prefix = match first {
            Some(only) if platforms.all(|other| other == only) => only.as_str(),
            _ => "multi",
        };
        Self(format!("{prefix}_{}", Uuid::now_v7().simple()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buy_on_one_platform_is_named_after_it_and_one_on_several_is_multi() {
        let (one, two) = (PlatformName::from("acme"), PlatformName::from("zenith"));
        assert!(MediaBuyId::mint([&one, &one]).as_str().starts_with("acme_"));
        assert!(MediaBuyId::mint([&one, &two]).as_str().starts_with("multi_"));
    }

    #[test]
    fn a_follow_up_has_the_same_id_whoever_begins_it_and_no_other_has_it() {
        let (buy, platform) = (MediaBuyId::from("acme_1"), PlatformName::from("acme"));
        let id = OperationId::of_follow_up(&buy, &platform, "activate");
        assert_eq!(OperationId::of_follow_up(&buy, &platform, "activate"), id);
        let others = [
            OperationId::of_follow_up(&"acme_2".into(), &platform, "activate"),
            OperationId::of_follow_up(&buy, &"zenith".into(), "activate"),
            OperationId::of_follow_up(&buy, &platform, "activate-2"),
        ];
        assert!(others.iter().all(|other| *other != id));
        assert_eq!(id.as_str().len(), OperationId::mint().as_str().len());
    }

    #[test]
    fn minted_ids_sort_by_time() {
        let ids: Vec<_> = (0..100).map(|_| OperationId::mint()).collect();
        assert!(ids.is_sorted());
        assert!(ids[0].as_str().starts_with("op_"));
    }
}
