//! Lists in pages, as one iterator.

use crate::{failure::Fallible, types::Failure};

/// One page: its items, and the cursor of the next one if there is one. A cursor is whatever the platform uses: a page
/// number, a token.
pub type Page<T, C> = (Vec<T>, Option<C>);

/// More pages than any list has that an adapter should read. Beyond it the platform pages in a circle.
const MAX_PAGES: u32 = 10_000;

/// Goes through a list page by page. The next page is asked for when the one before is used up, so a search that finds
/// what it looks for asks no further.
///
/// The function gets `None` for the first page.
pub fn pages<T, C, F>(fetch: F) -> Pages<T, C, F>
where
    F: FnMut(Option<C>) -> Fallible<Page<T, C>>,
{
    Pages { fetch, items: Vec::new().into_iter(), next: Some(None), asked: 0 }
}

/// See [`pages`].
#[derive(Debug)]
pub struct Pages<T, C, F> {
    fetch: F,
    items: std::vec::IntoIter<T>,
    /// `None` after the last page; `Some(None)` before the first.
    next: Option<Option<C>>,
    asked: u32,
}

impl<T, C, F> Iterator for Pages<T, C, F>
where
    F: FnMut(Option<C>) -> Fallible<Page<T, C>>,
{
    type Item = Fallible<T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(Ok(item));
            }
            let cursor = self.next.take()?;
            self.asked += 1;
            if self.asked > MAX_PAGES {
                let message = format!("The platform's list has more than {MAX_PAGES} pages.");
                return Some(Err(Failure::unavailable("endless_list", message)));
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
    fn a_list_that_pages_in_a_circle_ends() {
        let list = pages(|_: Option<u32>| Ok((Vec::<u8>::new(), Some(1))));
        assert_eq!(list.last().unwrap().unwrap_err().code, "endless_list");
    }
}
