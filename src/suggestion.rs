//! What a misspelt name was meant for.

/// The name that is closest to `text`, if one is close.
pub fn find_closest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let names = names.filter(|name| !name.is_empty());
    let distances = names.map(|name| (strsim::damerau_levenshtein(text, name), name));
    // The names come in no order; of two that are equally close, the first by the alphabet is taken.
    let (distance, name) = distances.min()?;
    (distance <= (text.chars().count() / 4).max(2)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_misspelling() {
        let names = ["http.listen", "http.workers", "store.dir"];
        assert_eq!(find_closest("http.listn", names.into_iter()), Some("http.listen"));
        assert_eq!(find_closest("http.wrokers", names.into_iter()), Some("http.workers"));
        assert_eq!(find_closest("amqp.url", names.into_iter()), None);
        assert_eq!(find_closest("a", ["", "http"].into_iter()), None);
    }
}
