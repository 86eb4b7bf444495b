//! Which text format a scraper gets, by its `Accept` header (RFC 9110 §12.5.1). Not for encodings.

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0, with exemplars.
    OpenMetrics,
    /// Prometheus text 0.0.4: what everything understands.
    Prometheus,
}

impl Format {
    /// The `Content-Type` of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The format that the caller likes best. Prometheus text for callers that say nothing, or nothing we can do.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let (mut open_metrics, mut text, mut any) = (0, None, 0);
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1000, "");
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "q" => quality = thousandths(value),
                    "version" => version = value,
                    _ => {}
                }
            }
            match media_type.as_str() {
                "application/openmetrics-text" if matches!(version, "" | "1.0.0" | "0.0.1") => {
                    open_metrics = open_metrics.max(quality);
                }
                "text/plain" if matches!(version, "" | "0.0.4") => text = Some(text.unwrap_or(0).max(quality)),
                "text/*" if text.is_none() => text = Some(quality),
                "*/*" => any = any.max(quality),
                _ => {}
            }
        }
        // OpenMetrics must be asked for by name; of equals it is the richer one.
        if open_metrics > 0 && open_metrics >= text.unwrap_or(any) { Self::OpenMetrics } else { Self::Prometheus }
    }
}

/// `q` as thousandths; what is no number is 0.
fn thousandths(text: &str) -> u32 {
    text.parse().map_or(0, |quality: f64| (quality.clamp(0.0, 1.0) * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::Format::{self, OpenMetrics, Prometheus};

    #[test]
    fn the_caller_gets_what_it_likes_best() {
        let cases = [
            (None, Prometheus),
            (Some(""), Prometheus),
            (Some("*/*"), Prometheus),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Prometheus),
            (Some("application/openmetrics-text"), OpenMetrics),
            (Some("application/openmetrics-text; version=\"1.0.0\", text/plain"), OpenMetrics),
            (Some("application/openmetrics-text;version=2.0.0"), Prometheus),
            (Some("application/openmetrics-text;q=0"), Prometheus),
            (Some("application/openmetrics-text;q=0.3,text/plain;version=0.0.4;q=0.5"), Prometheus),
            (Some("application/openmetrics-text;q=x,text/*"), Prometheus),
            // What Prometheus 3 sends.
            (
                Some(
                    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1",
                ),
                OpenMetrics,
            ),
        ];
        for (accept, expected) in cases {
            assert_eq!(Format::negotiate(accept), expected, "{accept:?}");
        }
    }
}
