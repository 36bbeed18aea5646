//! The resources below a flight: places, sites and day parts.
//!
//! The request for a new flight includes its places and sites. Its day parts, and every later
//! change of all three, need separate requests (OpenAPI document: geo targeting, site-zone
//! targeting, day parting). None of them can carry a reference. A flight has each of them only
//! once, so they are found by content, and the step that makes one is named after its content.

use flightdeck_adapter::{
    host,
    plan::{Change, Plan},
    prelude::*,
    step::Remote,
};

use crate::{flight::Flight, hours::Window, inferred, names::step_name};

mod part;

pub use part::Part;

/// The current or desired state of a resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// A place or a site.
    Entry(Part, &'a Object),
    /// A day part.
    Window(&'a Window),
}

impl Item<'_> {
    const fn part(&self) -> Part {
        match self {
            Self::Entry(part, _) => *part,
            Self::Window(_) => Part::Daypart,
        }
    }

    /// Returns the content, in the same form as for a listed resource.
    fn says(&self) -> String {
        match self {
            Self::Window(window) => window.name(),
            Self::Entry(part, entry) => part.says(entry),
        }
    }

    fn is(&self, listed: &Object) -> bool {
        self.part().says(listed) == self.says()
    }

    /// Whether both are day parts that Kevel doesn't accept together.
    fn overlaps(&self, other: &Item<'_>) -> bool {
        matches!((self, other), (Self::Window(one), Item::Window(other)) if one.overlaps(other))
    }

    fn body(&self) -> Object {
        match self {
            Self::Window(window) => window.object(),
            Self::Entry(_, entry) => (*entry).clone(),
        }
    }

    /// Returns the ids of listed resources with this content.
    fn ids(&self, listed: &[Object]) -> Vec<String> {
        let id = |listed: &Object| listed.get(self.part().id_field()).and_then(Json::as_i64).map(|id| id.to_string());
        listed.iter().filter(|listed| self.is(listed)).filter_map(id).collect()
    }

    fn find(&self, api: &Api, flight: &str) -> Fallible<Vec<Seen<String>>> {
        self.part().find(api, flight, &self.says())
    }

    /// Returns the ids to delete. There are none if the flight no longer has the resource. But if
    /// the flight has unexpected resources, one of them may be this one in a form that the adapter
    /// doesn't recognise, so that is a failure.
    fn removable(&self, api: &Api, flight: &str, expected: &[Item<'_>]) -> Fallible<Vec<String>> {
        let listed = self.part().listed(api, flight)?;
        let ids = self.ids(&listed);
        let known = |entry: &Object| expected.iter().any(|item| item.part() == self.part() && item.is(entry));
        if let Some(strange) = listed.iter().find(|entry| ids.is_empty() && !known(entry)) {
            let message = format!(
                "The flight {flight} on Kevel has no entry {}, but one that is not the buy's: {strange}. It may be the \
                 same, changed by hand. Remove it there if it is, and update again.",
                self.body()
            );
            return Err(Failure::rejected("entry_not_recognized", message));
        }
        Ok(ids)
    }

    /// Makes the resource, in a step.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the verdict.
    pub fn add(&self, api: &Api, flight: &str, package_id: &str) -> Fallible<Verdict<()>> {
        let part = self.part();
        let made = step(step_name(&[part.word(), package_id, &self.says()]))
            .remember(part.kind(), self.key(package_id))
            .find(|_| self.find(api, flight))
            .try_create(|_| {
                let path = format!("{}/{}", path!("/v1/flight/{}", flight), part.path());
                let made: Object = match api.post(path).json(&self.body()).fetch() {
                    Err(refused) if self.part() == Part::Daypart && inferred::overlaps(refused.words()) => {
                        return self.already_there(api, flight, refused);
                    }
                    made => made?,
                };
                // The response for a new day part contains only its id, in a field of a different
                // name.
                let id = made.get("TimepartId").or_else(|| made.get(part.id_field())).and_then(Json::as_i64);
                match id {
                    Some(id) => Ok(id.to_string()),
                    None => made::in_order(self.find(api, flight)?).pop().map(|seen| seen.id).ok_or_else(|| {
                        Failure::unavailable("id_missing", "Kevel did not say which id it gave, and does not list it.")
                    }),
                }
            })?;
        Ok(made.map(|_| ()))
    }

    /// Returns the day part that Kevel refuses to make because it overlaps another one: the flight
    /// may have it already, from a request without an answer.
    ///
    /// # Errors
    /// `unavailable` if no day part is listed that would overlap: the list is behind. `refused` if
    /// one is.
    fn already_there(&self, api: &Api, flight: &str, refused: Failure) -> Fallible<String> {
        let listed = self.part().listed(api, flight)?;
        if let Some(id) = self.ids(&listed).pop() {
            return Ok(id);
        }
        let Self::Window(own) = self else { return Err(refused) };
        if listed.iter().any(|other| own.overlaps(&Window::listed(other))) {
            return Err(refused);
        }
        let message = format!("Kevel says that a day part of the flight {flight} overlaps, but lists none that does.");
        Err(Failure::unavailable("day_part_not_listed", message))
    }

    /// Deletes the resource, in a step. If it is already gone, that is a success. `expected`
    /// contains everything that the buy had and will have.
    /// # Errors
    /// As [`add`](Self::add).
    pub fn remove(
        &self,
        api: &Api,
        remote: &[RemoteObject],
        flight: &str,
        (package_id, number): (&str, usize),
        expected: &[Item<'_>],
    ) -> Fallible<Verdict<()>> {
        let part = self.part();
        let (kind, key) = (part.kind(), self.key(package_id));
        let known = remote.id_of(&kind, &key).filter(|id| !id.is_empty());
        let removed = step(step_name(&[part.word(), package_id, "remove", &number.to_string()])).try_set(|| {
            let ids = match known {
                Some(id) if part.delete(api, flight, id)? => return Ok(()),
                // That one is gone, but somebody may have made an identical one.
                Some(_) => self.ids(&part.listed(api, flight)?),
                None => self.removable(api, flight, expected)?,
            };
            for id in &ids {
                part.delete(api, flight, id)?;
            }
            Ok(())
        })?;
        if let (Ok(()), Some(id)) = (&removed, known) {
            host::forget(&RemoteObject { kind, key, id: id.to_owned() });
        }
        Ok(removed)
    }

    fn key(&self, package_id: &str) -> String {
        format!("{package_id}/{}", self.says())
    }
}

/// Returns all resources of a flight.
fn items(flight: &Flight) -> Vec<Item<'_>> {
    let places = flight.places.iter().map(|place| Item::Entry(Part::Geo, place));
    let sites = flight.sites.iter().map(|site| Item::Entry(Part::Site, site));
    places.chain(sites).chain(flight.windows.iter().map(Item::Window)).collect()
}

/// Returns the resources of one flight that the other doesn't have, each with its index within its
/// type.
fn missing<'a>(these: &'a Flight, those: &Flight) -> Vec<(usize, Item<'a>)> {
    let (there, mut numbers) = (items(those), [0_usize; 3]);
    let mut missing = Vec::new();
    for item in items(these) {
        let number = &mut numbers[item.part() as usize];
        if !there.contains(&item) {
            missing.push((*number, item));
        }
        *number += 1;
    }
    missing
}

/// Changes the resources below a flight to their desired state, each in a step. Additions come
/// before deletions, so that a flight whose places or hours change doesn't run without any. A day
/// part that overlaps one to be deleted comes after it: Kevel refuses it before (reference page,
/// create day part). A flight whose only day part is changed in this way runs at any hour for the
/// moment between the two requests.
///
/// # Errors
/// On a transient failure. A final refusal is in the verdict.
pub fn change(
    api: &Api,
    remote: &[RemoteObject],
    flight: &str,
    current: &Flight,
    desired: &Flight,
) -> Fallible<Verdict<()>> {
    let package_id = desired.package_id.as_str();
    let outgoing = missing(current, desired);
    let blocked = |item: &Item<'_>| outgoing.iter().any(|(_, other)| item.overlaps(other));
    let (late, early): (Vec<_>, Vec<_>) = missing(desired, current).into_iter().partition(|(_, item)| blocked(item));
    for (_, item) in early {
        if let Err(refused) = item.add(api, flight, package_id)? {
            return Ok(Err(refused));
        }
    }
    let expected = [items(current), items(desired)].concat();
    for (number, item) in outgoing {
        if let Err(refused) = item.remove(api, remote, flight, (package_id, number), &expected)? {
            return Ok(Err(refused));
        }
    }
    for (_, item) in late {
        if let Err(refused) = item.add(api, flight, package_id)? {
            return Ok(Err(refused));
        }
    }
    Ok(Ok(()))
}

/// Plans the day parts that differ. Places and sites are among the flight's fields.
pub fn plan_windows(current: Option<&Flight>, desired: &Flight, plan: &mut Plan) {
    let before = current.map(|flight| flight.windows.as_slice()).unwrap_or_default();
    let kind = Part::Daypart.remote_type();
    for window in desired.windows.iter().filter(|window| !before.contains(window)) {
        plan.push(Change::create(kind, &window.name(), &window.object()).package(&desired.package_id));
    }
    for window in before.iter().filter(|window| !desired.windows.contains(window)) {
        plan.push(Change::delete(kind, &window.name(), &window.object()).package(&desired.package_id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_known_by_what_it_says() {
        let place = object! { "CountryCode": "US", "Region": "CA", "MetroCode": None::<u16>, "IsExclude": false };
        let item = Item::Entry(Part::Geo, &place);
        assert!(item.is(&object! { "LocationId": 7, "CountryCode": "US", "Region": "CA", "MetroCode": None::<u16> }));
        assert!(!item.is(&object! { "LocationId": 7, "CountryCode": "US", "Region": "CA", "IsExclude": true }));
        assert!(!item.is(&object! { "LocationId": 7, "CountryCode": "US" }));
        assert!(item.is(&object! { "LocationId": 7, "CountryCode": "US", "Region": "CA", "MetroCode": 0 }));
        let country = object! { "CountryCode": "US", "IsExclude": false };
        assert!(Item::Entry(Part::Geo, &country).is(&object! { "CountryCode": "US", "Region": "", "MetroCode": 0 }));
        assert_eq!(item.key("news"), "news/US.CA..");
        let site = object! { "SiteId": 2001, "ZoneId": None::<u32> };
        assert!(Item::Entry(Part::Site, &site).is(&object! { "Id": 1, "SiteId": 2001, "IsExcluded": false }));
        let excluded = object! { "SiteId": 2001, "IsExclude": true };
        assert!(Item::Entry(Part::Site, &excluded).is(&object! { "Id": 1, "SiteId": 2001, "IsExcluded": true }));
        assert!(!Item::Entry(Part::Site, &excluded).is(&object! { "Id": 1, "SiteId": 2001, "IsExcluded": false }));
    }
}
