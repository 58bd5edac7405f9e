//! Pages of lists: one row more than asked for tells whether there is a next one.

use uuid::Uuid;

/// How many rows to read for a page.
pub(crate) fn with_one_more(limit: u32) -> i64 {
    i64::from(limit) + 1
}

/// The page's rows, and where the next one begins.
pub(crate) fn page<T>(mut rows: Vec<T>, limit: u32, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<Uuid>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(id) } else { None };
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_just_full_is_the_last() {
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        assert_eq!(page(ids.clone(), 3, |id| *id), (ids.clone(), None));
        assert_eq!(page(ids.clone(), 2, |id| *id), (ids[..2].to_vec(), Some(ids[1])));
        assert_eq!(page(Vec::new(), 2, |id: &Uuid| *id), (Vec::new(), None));
    }
}
