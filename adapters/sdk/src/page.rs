//! Paginated lists, as one iterator.
//!
//! Only the platform decides where a list ends: a page may be empty, and the next one may have
//! items.

use std::collections::BTreeSet;

use crate::{failure::Fallible, types::Failure};

/// One page: its items, and the cursor of the next page if there is one. A cursor is whatever the
/// platform uses, such as a page number or a token.
pub type Page<T, C> = (Vec<T>, Option<C>);

/// More pages than any list that an adapter should read.
const MAX_PAGES: usize = 10_000;

/// Iterates over a list page by page. The next page is requested only once the previous one is used
/// up, so a search stops requesting pages when it finds a match.
///
/// `fetch` gets `None` for the first page. A list ends only with a page that has no next one. A
/// repeated cursor, or [too many pages](MAX_PAGES), is a failure, because the items read so far are
/// not the whole list.
pub fn pages<T, C, F>(fetch: F) -> Pages<T, C, F>
where
    C: Ord + Clone,
    F: FnMut(Option<C>) -> Fallible<Page<T, C>>,
{
    Pages { fetch, items: Vec::new().into_iter(), next: Some(None), asked: BTreeSet::new() }
}

/// One page of a list with numbered pages: its items, and the number of pages that the list has
/// now, if the page says.
pub type Numbered<T> = (Vec<T>, Option<u32>);

/// Iterates over a list whose pages are numbered from one, where each page says how many there are.
///
/// The list may grow or shrink while it is read, and a page's total may be wrong. So the list ends
/// after the highest total that any page reported.
///
/// A page without a total fails the list, because it is then unknown whether the list is complete.
pub fn numbered<T, F>(mut fetch: F) -> impl Iterator<Item = Fallible<T>>
where
    F: FnMut(u32) -> Fallible<Numbered<T>>,
{
    let mut last = 0;
    pages(move |cursor: Option<u32>| {
        let number = cursor.unwrap_or(1);
        let (items, pages) = fetch(number)?;
        let pages = pages.ok_or_else(|| {
            let message = format!("Page {number} of a list does not say how many pages there are.");
            Failure::unavailable("unreadable_answer", message)
        })?;
        last = last.max(pages);
        Ok((items, (number < last).then(|| number + 1)))
    })
}

/// The iterator of [`pages`].
#[derive(Debug)]
pub struct Pages<T, C, F> {
    fetch: F,
    items: std::vec::IntoIter<T>,
    /// `None` after the last page; `Some(None)` before the first.
    next: Option<Option<C>>,
    /// The cursors requested so far.
    asked: BTreeSet<C>,
}

impl<T, C, F> Iterator for Pages<T, C, F>
where
    C: Ord + Clone,
    F: FnMut(Option<C>) -> Fallible<Page<T, C>>,
{
    type Item = Fallible<T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(Ok(item));
            }
            let cursor = self.next.take()?;
            if let Some(cursor) = &cursor
                && let Err(failure) = self.may_ask(cursor)
            {
                return Some(Err(failure));
            }
            match (self.fetch)(cursor) {
                Ok((items, next)) => {
                    self.items = items.into_iter();
                    self.next = next.map(Some);
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

impl<T, C: Ord + Clone, F> Pages<T, C, F> {
    fn may_ask(&mut self, cursor: &C) -> Fallible<()> {
        if !self.asked.insert(cursor.clone()) {
            let message = "The platform's list leads back to a page that was read. Ask again later.";
            return Err(Failure::unavailable("endless_list", message));
        }
        if self.asked.len() >= MAX_PAGES {
            let message = format!("The platform's list has more than {MAX_PAGES} pages.");
            return Err(Failure::unavailable("endless_list", message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_joined_and_asked_for_when_needed() {
        let mut asked = Vec::new();
        let mut list = pages(|cursor: Option<u32>| {
            let page = cursor.unwrap_or(1);
            asked.push(page);
            Ok((vec![page * 10, page * 10 + 1], (page < 3).then_some(page + 1)))
        });
        let found = list.find(|item| matches!(item, Ok(21)));
        assert_eq!(found, Some(Ok(21)));
        assert_eq!(list.collect::<Fallible<Vec<_>>>().unwrap(), [30, 31]);
        assert_eq!(asked, [1, 2, 3]);
    }

    #[test]
    fn a_failure_ends_the_list_and_an_empty_page_does_not() {
        let mut list = pages(|cursor: Option<u32>| match cursor {
            None => Ok((vec![], Some(1))),
            Some(1) => Ok((vec!['a'], Some(2))),
            _ => Err(Failure::unavailable("x", "y")),
        });
        assert_eq!(list.next(), Some(Ok('a')));
        assert!(list.next().is_some_and(|item| item.is_err()));
        assert_eq!(list.next(), None);
    }

    #[test]
    fn a_cursor_that_comes_again_is_a_failure_after_what_was_read() {
        for circle in 1..4 {
            let mut asked = 0;
            let list = pages(|cursor: Option<u32>| {
                asked += 1;
                let page = cursor.unwrap_or(0);
                Ok((vec![page], Some((page + 1) % circle)))
            });
            let (read, failed): (Vec<_>, Vec<_>) = list.partition(Result::is_ok);
            assert_eq!(read.len(), asked, "each page was read once");
            assert_eq!(failed.into_iter().next().unwrap().unwrap_err().code, "endless_list");
            assert!(asked <= usize::try_from(circle).unwrap() + 1, "{asked}");
        }
    }

    #[test]
    fn a_list_without_an_end_ends() {
        let list = pages(|cursor: Option<u32>| Ok((Vec::<u8>::new(), Some(cursor.map_or(0, |page| page + 1)))));
        assert_eq!(list.last().unwrap().unwrap_err().code, "endless_list");
    }

    #[test]
    fn a_numbered_list_ends_after_the_last_page_of_the_longest_that_it_was() {
        // The items of each page, and the total that it reports.
        let read = |pages: &[(&[u8], Option<u32>)]| {
            let mut asked = Vec::new();
            let list = numbered(|number| {
                asked.push(number);
                let (items, total) = pages.get(number as usize - 1).copied().unwrap_or((&[], Some(0)));
                Ok((items.to_vec(), total))
            });
            (list.collect::<Fallible<Vec<u8>>>().map_err(|failure| failure.code), asked.len())
        };
        assert_eq!(read(&[(&[], Some(0))]), (Ok(vec![]), 1));
        assert_eq!(read(&[(&[1], Some(1))]), (Ok(vec![1]), 1));
        assert_eq!(read(&[(&[], Some(3)), (&[], Some(3)), (&[3], Some(3))]), (Ok(vec![3]), 3), "empty pages");
        assert_eq!(read(&[(&[1], Some(1)), (&[2], Some(2))]), (Ok(vec![1]), 1));
        assert_eq!(read(&[(&[1], Some(2)), (&[2], Some(3)), (&[3], Some(3))]), (Ok(vec![1, 2, 3]), 3), "it grew");
        assert_eq!(read(&[(&[1], Some(3)), (&[], Some(0)), (&[3], Some(1))]), (Ok(vec![1, 3]), 3), "it shrank");
        assert_eq!(read(&[(&[1], Some(2)), (&[2], None)]).0, Err("unreadable_answer".to_owned()));
    }
}
