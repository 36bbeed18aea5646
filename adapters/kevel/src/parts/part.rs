//! The types of the resources below a flight: their names, how they are compared, and how they are
//! listed, found and deleted.

use flightdeck_adapter::prelude::*;

use crate::{api, hours};

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A place.
    Geo,
    /// A site or zone.
    Site,
    /// A day part.
    Daypart,
}

impl Part {
    /// Returns the word in paths.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Geo => "geotargeting",
            Self::Site => "sitezonetargeting",
            Self::Daypart => "dayparting",
        }
    }

    /// Returns the word in step names, which is also the kind under which ids are remembered.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Geo => "geo",
            Self::Site => "site",
            Self::Daypart => "daypart",
        }
    }

    /// Returns the type with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Geo, Self::Site, Self::Daypart].into_iter().find(|part| part.word() == word)
    }

    /// Returns the kind under which ids are remembered.
    #[must_use]
    pub fn kind(self) -> RemoteKind {
        RemoteKind::Other(self.word().to_owned())
    }

    /// Returns the platform's name for the type.
    #[must_use]
    pub const fn remote_type(self) -> &'static str {
        match self {
            Self::Geo => "GeoTargeting",
            Self::Site => "SiteZoneTargeting",
            Self::Daypart => "DayPart",
        }
    }

    /// Returns the field of the id in lists.
    pub(super) const fn id_field(self) -> &'static str {
        match self {
            Self::Geo => "LocationId",
            Self::Site | Self::Daypart => "Id",
        }
    }

    /// Returns the fields that identify a resource: two are the same if these fields are.
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Geo => &["CountryCode", "Region", "MetroCode", "IsExclude"],
            Self::Site => &["SiteId", "ZoneId"],
            Self::Daypart => &[],
        }
    }

    /// Returns the content of a listed resource, with one word per field. Where nothing was sent,
    /// Kevel may return null, 0, false or an empty text, because the schemas allow no null there.
    pub(super) fn says(self, listed: &Object) -> String {
        if self == Self::Daypart {
            return hours::says(listed);
        }
        let said = |name: &&str| match listed.get(name) {
            None | Some(Json::Null | Json::Bool(false)) => String::new(),
            Some(Json::Text(text)) => text.clone(),
            Some(value) if value.as_i64() == Some(0) => String::new(),
            Some(value) => value.to_string(),
        };
        let mut says = self.fields().iter().map(said).collect::<Vec<_>>().join(".");
        // A site is sent with one spelling of the flag and returned with the other.
        let excluded = ["IsExclude", "IsExcluded"].map(|name| listed.get(name) == Some(&Json::Bool(true)));
        if self == Self::Site && excluded.contains(&true) {
            says.push_str(".excluded");
        }
        says
    }

    /// Returns a flight's resources of this type.
    pub(super) fn listed(self, api: &Api, flight: &str) -> Fallible<Vec<Object>> {
        Ok(match self {
            Self::Daypart => {
                let request = || api.get(path!("/v1/flight/{}/dayparting", flight));
                api::list(request).collect::<Fallible<_>>()?
            }
            Self::Geo | Self::Site => {
                let flight: Object = api.get(path!("/v1/flight/{}", flight)).fetch()?;
                let entries = flight.get(self.remote_type()).map(Json::items).unwrap_or_default();
                entries.iter().filter_map(Json::as_object).cloned().collect()
            }
        })
    }

    /// Finds the resources of a flight with this content.
    ///
    /// # Errors
    /// When Kevel can't be reached.
    pub fn find(self, api: &Api, flight: &str, says: &str) -> Fallible<Vec<Seen<String>>> {
        let listed = self.listed(api, flight)?;
        let seen = |listed: &Object| {
            let id = listed.get(self.id_field()).and_then(Json::as_i64).filter(|_| self.says(listed) == says)?;
            Some(Seen::new(id.to_string()).named(says))
        };
        Ok(listed.iter().filter_map(seen).collect())
    }

    /// Deletes a resource by its id. Returns whether it existed.
    ///
    /// # Errors
    /// When Kevel can't be reached or refuses.
    pub fn delete(self, api: &Api, flight: &str, id: &str) -> Fallible<bool> {
        let path = format!("{}/{}/{}", path!("/v1/flight/{}", flight), self.path(), path!("{}/delete", id));
        // Kevel deletes day parts with POST, and places and sites with GET.
        let request = if self == Self::Daypart { api.post(path) } else { api.get(path) };
        match request.send() {
            Ok(_) => Ok(true),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}
