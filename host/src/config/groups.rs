//! The groups of people whom approval rules ask.

use super::{reader::Kind, section::Section, tokens, values};
use crate::domain::{approval::Group, id::GroupId, person::Person};

/// Reads `[[groups]]`: an entry is a group of the publisher's people.
pub(super) fn read(section: &Section<'_>) -> Option<Group> {
    let id = section.defined("id", Kind::Group, "\"finance\"", values::id);
    let name = section.optional("name", values::title);
    if section.get("people").is_none() {
        section.missing("people", "[\"anna\", \"ben\"]");
    }
    let people = section.some_of("people", "name at least one, or nobody could ever decide", |node| {
        let name = values::short(node)?;
        tokens::name(&name)?;
        section.reader().mention(&name, node.at);
        Ok(Person::new(name))
    });
    let people: Vec<Person> = people?;
    let mut seen: Vec<&Person> = Vec::new();
    for person in &people {
        if seen.contains(&person) {
            section.wrong(section.place_of("people"), format!("`people` names {person} twice; once is enough"));
        }
        seen.push(person);
    }
    let id = id?;
    Some(Group { name: name.unwrap_or_else(|| id.clone()), id: GroupId::from(id), people })
}
