//! Media types, as far as they decide how a body is written.

/// Type and subtype, lower case, without parameters.
pub(crate) fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// No range such as `image/*`.
pub(crate) fn is_concrete(media: &str) -> bool {
    let essence = essence(media);
    essence.contains('/') && !essence.contains('*')
}

pub(crate) fn is_json(media: &str) -> bool {
    let essence = essence(media);
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

pub(crate) fn is_xml(media: &str) -> bool {
    let essence = essence(media);
    matches!(essence.as_str(), "application/xml" | "text/xml") || essence.ends_with("+xml")
}

/// Is the type one of those that the range stands for?
pub(crate) fn is_within(media: &str, range: &str) -> bool {
    let (media, range) = (essence(media), essence(range));
    match range.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => media.split('/').next() == Some(kind),
        _ => media == range,
    }
}

/// A parameter of a media type: `boundary` of `multipart/form-data; boundary=x`.
pub(crate) fn parameter<'m>(media: &'m str, name: &str) -> Option<&'m str> {
    media.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_parameters() {
        for (media, range, expected) in [
            ("application/json; charset=utf-8", "application/json", true),
            ("IMAGE/PNG", "image/*", true),
            ("image/png", "*/*", true),
            ("image/png", "image/jpeg", false),
            ("text/plain", "image/*", false),
        ] {
            assert_eq!(is_within(media, range), expected, "{media} {range}");
        }
        assert_eq!(parameter("multipart/form-data; a=1; Boundary=\"x y\"", "boundary"), Some("x y"));
        assert_eq!(parameter("text/plain", "charset"), None);
    }
}
