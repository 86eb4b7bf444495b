//! "Did you mean": the nearest of a few known names. Not for large lists.

/// The known name that was probably meant.
pub(crate) fn nearest<'a>(name: &str, mut known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    // A long key is no slip of the pen, and the distance costs the product of both lengths.
    if name.is_empty() || name.len() > 64 {
        return None;
    }
    let folded = name.to_lowercase();
    if let Some(same) = known.clone().find(|other| other.to_lowercase() == folded) {
        return Some(same);
    }
    let limit = (folded.chars().count() / 3).max(1);
    known
        .clone()
        .map(|other| (distance(&folded, &other.to_lowercase()), other))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
        .or_else(|| known.find(|other| folded.len() >= 3 && other.to_lowercase().contains(&folded)))
}

/// `; did you mean "x"?`, or nothing.
pub(crate) fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    nearest(name, known).map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default()
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_found() {
        let known = ["enabled", "uri", "transport", "streamable-http"];
        for (name, expected) in [
            ("enabeld", Some("enabled")),
            ("URI", Some("uri")),
            ("url", Some("uri")),
            ("http", Some("streamable-http")),
            ("$schema", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
    }
}
